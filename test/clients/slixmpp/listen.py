#!/usr/bin/python3
"""Listens with slixmpp: listen.py JID COUNT [echo]

With "echo" it says back what it hears. Prints "ready FULL-JID" when messages can come, then "FROM: BODY" for each, and
ends after COUNT of them or after three minutes.
"""

import asyncio
import sys

from suite import Client, available, end_tasks


async def main(jid, count, echo):
    client = await Client(jid).login()
    await available(client)
    print(f"ready {client.boundjid.full}", flush=True)
    for _ in range(count):
        message = await client.messages.get()
        print(f"{message['from']}: {message['body']}", flush=True)
        if echo:
            client.send_message(mto=message["from"], mbody="echo: " + message["body"], mtype="chat")
    await client.logout()


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(asyncio.wait_for(main(sys.argv[1], int(sys.argv[2]), "echo" in sys.argv[3:]), 180))
    finally:
        end_tasks(loop)
