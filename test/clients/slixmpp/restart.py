#!/usr/bin/python3
"""The two halves of a test whose server ends in the middle.

restart.py send JID TO            sends messages numbered from 0 and changes the own roster, prints "dealt with N" when the
                                  server is known to have dealt with all up to N, until it is ended
restart.py receive JID FROM LAST  takes what is stored: 0 to LAST at least, in order, each once; FROM's roster is as new
"""

import asyncio
import sys

import suite
from im import DELAY, WAIT, Person

CONTACT = "counted@example.org"


async def send(jid, to):
    person = await Person(jid, "sender").come()
    print("ready", flush=True)
    number = -1
    while True:
        for _ in range(5):
            number += 1
            person.chat(to, str(number))
        await person.set_item(CONTACT, str(number))
        assert person.messages.empty(), person.messages.get_nowait()  # an error: then it need not be kept
        print("dealt with", number, flush=True)


async def receive(jid, sender, last):
    owner = await Person(sender, "owner").come(roster=False)
    items, _ = await owner.ask_roster()
    assert int(items[CONTACT].get("name")) >= last, items[CONTACT].get("name")
    owner.chat(jid, "end")  # is stored behind all others, and comes last, on whichever page
    await owner.synced()
    await owner.logout()
    person = await Person(jid, "receiver").come()
    number = -1  # what was on its way behind the last one may have been kept, in order too
    while (m := await person.message())["body"] != "end":
        number += 1
        assert m["body"] == str(number), f"{m['body']} instead of {number}"
        assert m["from"].bare == sender and m.xml.find(DELAY) is not None, m
    assert number >= last, f"{number} came last, and {last} was acknowledged"
    await person.logout()
    person = await Person(jid, "again").come()
    await person.hears_nothing()
    await person.logout()
    print(f"got {number + 1}, {last + 1} of them acknowledged", flush=True)


async def main(what, jid, other, last=0):
    if what == "receive":
        return await receive(jid, other, int(last))
    return await send(jid, other)


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(asyncio.wait_for(main(*sys.argv[1:]), 3 * WAIT))
    finally:
        suite.end_tasks(loop)
