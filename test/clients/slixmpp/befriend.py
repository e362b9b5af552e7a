#!/usr/bin/python3
"""Subscribes two accounts to each other's presence, unless they are: befriend.py JID JID."""

import asyncio
import sys

import suite
from im import Person, befriend, leave


async def main(one, other):
    a, b = await Person(one, "one").come(), await Person(other, "other").come()
    items, _ = await a.ask_roster()
    if other not in items:
        await befriend(a, b)
    assert (await a.ask_roster())[0][other].get("subscription") == "both"
    await leave(a, b)


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(asyncio.wait_for(main(*sys.argv[1:]), 2 * suite.WAIT))
    finally:
        suite.end_tasks(loop)
