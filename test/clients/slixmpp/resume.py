#!/usr/bin/python3
"""slixmpp resumes its stream (XEP-0198): after its connection broke, and after the server was ended by SIGTERM and started again.

resume.py JID FROM PORTFILE   prints "restart" when the server is to be restarted, and goes on when PORTFILE
                              names the address of the new one
"""

import asyncio
import os
import sys

import suite

WAIT = suite.WAIT


class Resumer(suite.Client):
    """Has stream management on, and connects again only when it is told to."""

    def __init__(self, jid):
        super().__init__(jid)
        self.auto_reconnect = False
        self.register_plugin("xep_0198")
        self.add_event_handler("sm_enabled", lambda _: self.state.put_nowait("enabled"))
        self.add_event_handler("session_resumed", lambda _: self.state.put_nowait("resumed"))
        self.add_event_handler("sm_failed", lambda _: self.state.put_nowait("not resumed"))

    async def reaches(self, wanted):
        """Waits for a state; those that say that it goes on otherwise are faults."""
        while True:
            state = await asyncio.wait_for(self.state.get(), WAIT)
            if state == wanted:
                return
            assert state in ("disconnected", "stream error", "started", "enabled"), f"{state}, wanted {wanted}"

    async def gets(self, *bodies):
        for body in bodies:
            m = await asyncio.wait_for(self.messages.get(), WAIT)
            assert m["body"] == body, f"{m['body']!r}, expected {body!r}"


def sends(client, to, *bodies):
    for body in bodies:
        client.send_message(mto=to, mbody=body, mtype="chat")


async def main(jid, sender, portfile):
    one = Resumer(jid)
    one.start()
    await one.reaches("enabled")
    one.send_presence()
    full = one.boundjid.full
    two = await suite.Client(sender).login()
    two.auto_reconnect = False
    sends(two, full, "before")
    await one.gets("before")

    one.abort()  # no </stream:stream>
    await one.reaches("disconnected")
    sends(two, full, "away 1", "away 2")
    one.start()
    await one.reaches("resumed")
    await one.gets("away 1", "away 2")
    sends(one, two.boundjid.full, "resumed")
    m = await asyncio.wait_for(two.messages.get(), WAIT)
    assert m["body"] == "resumed", m

    sends(two, full, "over the restart")  # it may be read before, and must not come twice
    await suite.available(two)  # two cannot resume: what the server had not read would be lost
    print("restart", flush=True)
    await one.reaches("disconnected")
    while not os.path.exists(portfile):
        await asyncio.sleep(0.05)
    with open(portfile) as f:
        os.environ["XYLEM_C2S"] = f.read().strip()
    one.start()
    await one.reaches("resumed")
    assert one.boundjid.full == full, one.boundjid
    three = await suite.Client(sender).login()
    sends(three, full, "after")
    await one.gets("over the restart", "after")
    assert one.messages.empty(), one.messages.get_nowait()
    await suite.logout_all(one, three)
    print("resumed after a broken connection and after a restart", flush=True)


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(asyncio.wait_for(main(*sys.argv[1:]), 3 * WAIT))
    finally:
        suite.end_tasks(loop)
