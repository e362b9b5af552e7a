#!/usr/bin/python3
"""Components of slixmpp (XEP-0114) and their users.

Usage: component.py [NAME...]   prints one line for each test, as suite.py does and with the same environment, and
XYLEM_COMPONENTS, XYLEM_COMPONENTS_TLS: HOST:PORT for components, in the clear and with TLS at once.
The server knows the components echo.localhost and rooms.example, both with the secret "secret".
"""

import asyncio
import ssl
import sys

from slixmpp import ComponentXMPP

import suite
from im import Person, leave, new_accounts
from suite import ET, address, fails

WAIT = suite.WAIT
ECHO, ROOMS = "echo.localhost", "rooms.example"
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"


class Component(ComponentXMPP):
    """Answers each chat message with its body, lets everybody subscribe, and keeps what happens to it."""

    def __init__(self, domain, secret="secret", direct=False):
        super().__init__(domain, secret)
        self.direct = direct
        self.auto_reconnect = False
        self.ca_certs = None
        if direct:
            self.ssl_context = ssl._create_unverified_context()
        self.state, self.seen = asyncio.Queue(), asyncio.Queue()
        self.errors = []
        for plugin in ("xep_0030", "xep_0199"):
            self.register_plugin(plugin)
        self.roster.auto_authorize = self.roster.auto_subscribe = None
        self.add_event_handler("session_start", lambda _: self.state.put_nowait("started"))
        self.add_event_handler("disconnected", lambda _: self.state.put_nowait("disconnected"))
        self.add_event_handler("stream_error", lambda e: self.errors.append(e["condition"]))
        self.add_event_handler("message", self._message)
        self.add_event_handler("presence_subscribe", self._subscribe)
        for event in ("presence_available", "presence_unavailable", "presence_probe", "message_error"):
            self.add_event_handler(event, self.seen.put_nowait)

    def _message(self, message):
        if message["type"] == "chat":
            self.send_message(mto=message["from"], mfrom=message["to"], mbody=message["body"], mtype="normal")

    def _subscribe(self, presence):
        for kind in ("subscribed", None):
            self.send_presence(pto=presence["from"].bare, pfrom=presence["to"], ptype=kind)

    async def come(self):
        self.connect(*address("XYLEM_COMPONENTS_TLS" if self.direct else "XYLEM_COMPONENTS"), use_ssl=self.direct)
        state = await asyncio.wait_for(self.state.get(), WAIT)
        assert state == "started", f"{self.boundjid}: {state} {self.errors}"
        return self

    async def go(self):
        self.disconnect(wait=1)
        await asyncio.wait_for(self.disconnected, WAIT)


async def echoed(person, component, texts):
    """What the component makes of each text comes back to the person, in order."""
    for text in texts:
        person.chat(f"someone@{component}/here", text)
    for text in texts:
        message = await person.message()
        assert message["body"] == text and str(message["from"]) == f"someone@{component}/here", message


def echo(**options):
    async def test():
        ann = await Person(new_accounts("ann")[0], "phone").come()
        component = await Component(ECHO, **options).come()
        await echoed(ann, ECHO, [f"<{n}> & Ёжик 🌍" for n in range(200)])
        await echoed(ann, ECHO, ["Ы" * 100_000])
        await component.go()
        await leave(ann)
    return test


async def wrong_secret():
    for secret in ("guess", ""):
        component = Component(ECHO, secret)
        component.connect(*address("XYLEM_COMPONENTS"))
        state = await asyncio.wait_for(component.state.get(), WAIT)
        assert state == "disconnected" and component.errors == ["not-authorized"], (state, component.errors)
    component = Component("other.localhost")
    component.connect(*address("XYLEM_COMPONENTS"))
    state = await asyncio.wait_for(component.state.get(), WAIT)
    assert state == "disconnected" and component.errors == ["host-unknown"], (state, component.errors)


async def second():
    """The first stays, answers the ping that asks whether it is there, and goes on."""
    ann = await Person(new_accounts("ann")[0], "phone").come()
    first, other = await Component(ECHO).come(), Component(ECHO)
    other.connect(*address("XYLEM_COMPONENTS"))
    state = await asyncio.wait_for(other.state.get(), WAIT)
    assert state == "disconnected" and other.errors == ["conflict"], (state, other.errors)
    await echoed(ann, ECHO, ["still here"])
    await first.go()
    await leave(ann)


async def away():
    ann = await Person(new_accounts("ann")[0], "phone").come()
    component = await Component(ECHO).come()
    await component.go()
    ann.chat(f"x@{ECHO}", "hello?")
    error = await ann.message()
    assert error["type"] == "error" and error["error"]["condition"] == "remote-server-timeout" and error["error"]["type"] == "wait", error
    component = await Component(ECHO).come()
    await echoed(ann, ECHO, ["welcome back"])
    await component.go()
    await leave(ann)


async def discovery():
    """Clients find the component among the server's items, and it answers for itself."""
    ann = await Person(new_accounts("ann")[0], "phone").come()

    async def items():
        answer = await ann.ask("get", ET.Element(f"{{{DISCO_ITEMS}}}query"), "localhost")
        return {i.get("jid") for i in answer.find(f"{{{DISCO_ITEMS}}}query")}
    before = await items()
    component = await Component(ECHO).come()
    assert await items() == before | {ECHO}, await items()
    ann.register_plugin("xep_0030")
    ann.register_plugin("xep_0199")
    component["xep_0030"].add_identity(category="gateway", itype="xylem", name="Echo", jid=component.boundjid)
    info = await ann["xep_0030"].get_info(jid=ECHO, timeout=WAIT)
    assert any(i[:2] == ("gateway", "xylem") for i in info["disco_info"]["identities"]), info
    assert await ann["xep_0199"].ping(jid=ECHO, timeout=WAIT) >= 0
    rtt = await component["xep_0199"].ping(jid=ann.boundjid.full, ifrom=component.boundjid, timeout=WAIT)
    assert rtt >= 0
    await fails(suite.unknown_iq(ann, ECHO), "feature-not-implemented", "service-unavailable")
    await component.go()
    assert await items() == before, await items()
    await leave(ann)


async def presence():
    """A contact at a component: subscription, presence both ways, a probe at the next login, and the end."""
    account = new_accounts("ann")[0]
    ann = await Person(account, "phone").come()
    component = await Component(ECHO).come()
    contact = f"friend@{ECHO}"
    await ann.ask_roster()
    ann.send_presence(pto=contact, ptype="subscribe")
    await ann.pushed(contact, subscription="none", ask="subscribe")
    await ann.pushed(contact, subscription="to", ask=None)
    await ann.hears("subscribed", contact)
    await ann.hears("available", contact)
    component.send_presence(pto=account, pfrom=contact, ptype="subscribe")
    await ann.hears("subscribe", contact)
    ann.send_presence(pto=contact, ptype="subscribed")
    await ann.pushed(contact, subscription="both")

    async def seen(*wanted):
        """All of these came, in whatever order."""
        wanted = set(wanted)
        while wanted:
            p = await asyncio.wait_for(component.seen.get(), WAIT)
            wanted.discard((p.xml.get("type") or "available", str(p["from"])))
    await seen(("available", ann.boundjid.full))
    phone = ann.boundjid.full
    await leave(ann)
    await seen(("unavailable", phone))
    ann = await Person(account, "phone").come()
    await seen(("probe", account), ("available", ann.boundjid.full))
    await component.go()
    await leave(ann)


async def two():
    """Components reach each other, and speak for nobody else."""
    ann = await Person(new_accounts("ann")[0], "phone").come()
    echo, rooms = await Component(ECHO).come(), await Component(ROOMS).come()
    got = asyncio.Queue()
    rooms.add_event_handler("message", got.put_nowait)
    for n in range(50):
        rooms.send_message(mto=f"x@{ECHO}", mfrom=f"room@{ROOMS}/nick", mbody=str(n), mtype="chat")
    for n in range(50):
        message = await asyncio.wait_for(got.get(), WAIT)
        assert message["body"] == str(n) and str(message["to"]) == f"room@{ROOMS}/nick", message
    rooms.send_message(mto=ann.boundjid.full, mfrom=f"x@{ECHO}", mbody="forged", mtype="chat")
    state = await asyncio.wait_for(rooms.state.get(), WAIT)
    assert state == "disconnected" and rooms.errors == ["invalid-from"], (state, rooms.errors)
    await ann.synced()
    assert ann.messages.empty()
    await echoed(ann, ECHO, ["unharmed"])
    await echo.go()
    await leave(ann)


async def stored():
    """What a component sends to somebody who is offline waits there."""
    account = new_accounts("ann")[0]
    component = await Component(ECHO).come()
    for n in range(3):
        component.send_message(mto=account, mfrom=f"x@{ECHO}", mbody=str(n), mtype="chat")
    component.send_message(mto="nobody-at-all@localhost", mfrom=f"x@{ECHO}", mbody="x", mtype="chat")
    error = await asyncio.wait_for(component.seen.get(), WAIT)
    # slixmpp's own view of errors is for jabber:client only.
    condition = error.xml.find("{jabber:component:accept}error/{urn:ietf:params:xml:ns:xmpp-stanzas}service-unavailable")
    assert condition is not None and str(error["to"]) == f"x@{ECHO}", error
    ann = await Person(account, "phone").come()
    for n in range(3):
        message = await ann.message()
        assert message["body"] == str(n) and message.xml.find("{urn:xmpp:delay}delay") is not None, message
    await component.go()
    await leave(ann)


TESTS = {
    "echo": echo(),
    "echo-direct-tls": echo(direct=True),
    "wrong-secret": wrong_secret,
    "second": second,
    "away": away,
    "discovery": discovery,
    "presence": presence,
    "two": two,
    "stored": stored,
}

if __name__ == "__main__":
    sys.exit(suite.main(sys.argv[1:], TESTS))
