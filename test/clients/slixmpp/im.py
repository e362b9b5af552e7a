#!/usr/bin/python3
"""Instant messaging with slixmpp: rosters, subscriptions, presence, stored messages, and the everyday extensions.

Usage: im.py [NAME...]   prints one line for each test, as suite.py does and with the same environment, and
XYLEM_USER_ADD: command that makes the account in its last argument, password on standard input. Each test makes its own.
"""

import asyncio
import base64
import hashlib
import itertools
import os
import subprocess
import sys
import time

from slixmpp.exceptions import IqError
from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

import suite
from suite import Client, PASSWORD, fails

WAIT = suite.WAIT
ROSTER, DELAY, PUSH = "jabber:iq:roster", "{urn:xmpp:delay}delay", "roster_push"
DISCO_INFO, DISCO_ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"
CAPS, BLOCKING = "http://jabber.org/protocol/caps", "urn:xmpp:blocking"
run_name = f"{int(time.time()) % 1_000_000}"
numbers = itertools.count()


def new_account(name):
    """An account that no test has had before."""
    jid = f"{name}-{run_name}-{next(numbers)}@localhost"
    command = os.environ["XYLEM_USER_ADD"].split() + [jid]
    subprocess.run(command, input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL, timeout=WAIT)
    return jid


def new_accounts(*names):
    return [new_account(n) for n in names]


class Person(Client):
    """A client that decides nothing by itself and keeps all presence, messages and pushes, in order."""

    def __init__(self, jid, resource, **options):
        super().__init__(f"{jid}/{resource}", **options)
        self.roster.auto_authorize = None
        self.roster.auto_subscribe = False
        self.auto_reconnect = False
        self.presences, self.pushes = asyncio.Queue(), asyncio.Queue()
        # The events of slixmpp are by <show/>, some come twice, and some messages have none.
        self.del_event_handler("message_error", self.messages.put_nowait)
        self.register_handler(Callback("all messages", MatchXPath("{jabber:client}message"), self.messages.put_nowait))
        self.register_handler(Callback("all presence", MatchXPath("{jabber:client}presence"), self.presences.put_nowait))
        self.add_event_handler("roster_update", lambda iq: iq["type"] == "set" and self.pushes.put_nowait(iq))

    def _message(self, _):
        """Not by this event."""

    async def come(self, presence=True, roster=True):
        """Logs in; with presence, it has heard of its own when this returns."""
        self.start()
        state = await asyncio.wait_for(self.state.get(), WAIT)
        assert state == "started", f"{self.requested_jid}: {state} {self.errors}"
        if roster:
            await self.ask_roster()
        if presence:
            await self.show()
        return self

    async def show(self, **presence):
        """Sends presence and waits until it has come back."""
        self.send_presence(**presence)
        await self.hears("available", self.boundjid.full)

    async def hears(self, kind, sender, among=()):
        """The next presence, which must be this one. Those of senders in among may come before."""
        while True:
            p = await asyncio.wait_for(self.presences.get(), WAIT)
            got = (p.xml.get("type") or "available", str(p["from"]))
            if got == (kind, str(sender)):
                return p
            assert got[1] in among, f"{self.boundjid}: {got} instead of {(kind, str(sender))}"

    async def hears_any(self, kind):
        """The next presence, of whomever, which must be of this kind."""
        p = await asyncio.wait_for(self.presences.get(), WAIT)
        assert (p.xml.get("type") or "available") == kind, p
        return p

    async def hears_nothing(self):
        """No presence, message or push came until the server has answered an IQ."""
        await self.synced()
        for queue in (self.presences, self.messages, self.pushes):
            assert queue.empty(), f"{self.boundjid} got {queue.get_nowait()}"

    async def synced(self):
        await fails(suite.unknown_iq(self, "localhost"), "service-unavailable")

    async def pushed(self, contact, **want):
        """The next roster push, which must be about this contact; want names attributes, None for absent ones."""
        iq = await asyncio.wait_for(self.pushes.get(), WAIT)
        items = iq.xml.findall(f"{{{ROSTER}}}query/{{{ROSTER}}}item")
        assert len(items) == 1 and items[0].get("jid") == contact, iq
        for name, value in want.items():
            assert items[0].get(name) == value, f"{self.boundjid}: {name} is not {value}: {iq}"
        return items[0]

    async def ask(self, kind, payload, to=None):
        iq = self.make_iq(ito=to, itype=kind)
        iq.append(payload)
        return (await iq.send(timeout=WAIT)).xml

    async def ask_roster(self, ver=None):
        query = ET.Element(f"{{{ROSTER}}}query")
        if ver is not None:
            query.set("ver", ver)
        answer = (await self.ask("get", query)).find(f"{{{ROSTER}}}query")
        if answer is None:
            return None, None
        return {i.get("jid"): i for i in answer}, answer.get("ver")

    async def set_item(self, contact, name=None, groups=(), **attributes):
        query = ET.Element(f"{{{ROSTER}}}query")
        item = ET.SubElement(query, f"{{{ROSTER}}}item", jid=contact, **attributes)
        if name is not None:
            item.set("name", name)
        for g in groups:
            ET.SubElement(item, f"{{{ROSTER}}}group").text = g
        await self.ask("set", query)

    async def message(self):
        return await asyncio.wait_for(self.messages.get(), WAIT)

    def chat(self, to, body, extra=None):
        m = self.make_message(mto=to, mbody=body, mtype="chat")
        if extra is not None:
            m.append(extra)
        m.send()

    async def cut(self):
        """Ends without a word, as when the network goes: what is unsent is thrown away."""
        self.transport.abort()
        await asyncio.wait_for(self.disconnected, WAIT)


def groups_of(item):
    return sorted(g.text for g in item.findall(f"{{{ROSTER}}}group"))


async def leave(*people):
    await asyncio.gather(*(p.logout() for p in people))


async def befriend(one, other):
    """Subscribes both ways; both are available and have their rosters."""
    for a, b in ((one, other), (other, one)):
        a.send_presence(pto=b.boundjid.bare, ptype="subscribe")
        await b.hears("subscribe", a.boundjid.bare)
        b.send_presence(pto=a.boundjid.bare, ptype="subscribed")
        await a.hears("subscribed", b.boundjid.bare)
        await a.hears("available", b.boundjid.full)
    for p, contact in ((one, other), (other, one)):
        while (await asyncio.wait_for(p.pushes.get(), WAIT)).xml[0][0].get("subscription") != "both":
            pass


async def roster():
    """RFC 6121 §2: get, set, groups, push to the other resource, remove, versions."""
    (jid,) = new_accounts("ann")
    phone, desk = await Person(jid, "phone").come(False), await Person(jid, "desk").come(False)
    silent = await Person(jid, "silent").come(False, roster=False)
    assert "rosterver" in phone.features, phone.features
    items, ver0 = await phone.ask_roster("")
    assert items == {} and ver0 is not None, (items, ver0)
    await phone.set_item("Friend@example.org", "Fr\u00e9d <&>", ["B", "A"])
    for p in (phone, desk):  # also the one that asked, §2.1.6
        item = await p.pushed("friend@example.org", name="Fr\u00e9d <&>", subscription="none", ask=None)
        assert groups_of(item) == ["A", "B"], groups_of(item)
    await silent.hears_nothing()  # did not ask for the roster
    await desk.set_item("second@example.org", "", ["A"])
    await desk.set_item("friend@example.org", "New", ["C"])
    for p in (phone, desk):
        await p.pushed("second@example.org")
        assert groups_of(await p.pushed("friend@example.org", name="New")) == ["C"]
    items, ver1 = await phone.ask_roster("")
    assert set(items) == {"friend@example.org", "second@example.org"} and ver1 != ver0, (items, ver1)
    assert await phone.ask_roster(ver1) == (None, None)  # nothing is new, §2.6.3
    await phone.set_item("second@example.org", subscription="remove")
    for p in (phone, desk):
        await p.pushed("second@example.org", subscription="remove")
    assert await desk.ask_roster(ver1) == (None, None)
    await desk.pushed("second@example.org", subscription="remove")  # the change alone
    await fails(phone.set_item("second@example.org", subscription="remove"), "item-not-found")
    await fails(phone.set_item("twice@example.org", "x", ["A", "A"]), "bad-request")
    again = Person(jid, "again")
    await again.come(False, roster=False)
    items, _ = await again.ask_roster()
    assert set(items) == {"friend@example.org"} and items["friend@example.org"].get("name") == "New"
    await leave(phone, desk, silent, again)


async def subscribe():
    """RFC 6121 §3: a subscription each way, with the presence that it brings, and its end."""
    a, b = new_accounts("ann", "ben")
    ann, ben = await Person(a, "phone").come(), await Person(b, "desk").come()
    await ben.show(pshow="dnd", pstatus="busy")
    ann.send_presence(pto=b, ptype="subscribe")
    await ann.pushed(b, subscription="none", ask="subscribe")
    assert await ben.hears("subscribe", a)
    await ben.hears_nothing()  # §3.1.3: the roster of the contact is as it was
    ben.send_presence(pto=a, ptype="subscribed")
    await ann.hears("subscribed", b)
    p = await ann.hears("available", ben.boundjid.full)
    assert p["show"] == "dnd" and p["status"] == "busy", p
    await ann.pushed(b, subscription="to", ask=None)
    await ben.pushed(a, subscription="from")
    # The other way; then each sees what the other says.
    ben.send_presence(pto=a, ptype="subscribe")
    await ann.hears("subscribe", b)
    ann.send_presence(pto=b, ptype="subscribed")
    await ben.hears("subscribed", a)
    await ben.hears("available", ann.boundjid.full)
    await ann.pushed(b, subscription="both")
    await ben.pushed(a, subscription="from", ask="subscribe")
    await ben.pushed(a, subscription="both")
    await ann.show(pshow="away")
    p = await ben.hears("available", ann.boundjid.full)
    assert p["show"] == "away", p
    # Who comes later asks for itself (§4.3.1).
    tablet = await Person(a, "tablet").come()
    await tablet.hears("available", ben.boundjid.full, among=[ann.boundjid.full])
    await ben.hears("available", tablet.boundjid.full)
    await ann.hears("available", tablet.boundjid.full)
    # Ben cancels (§3.2): ann loses his presence, and he still has hers.
    ben.send_presence(pto=a, ptype="unsubscribed")
    await ann.pushed(b, subscription="from")
    await ben.pushed(a, subscription="to")
    for p in (ann, tablet):
        kinds = {(await asyncio.wait_for(p.presences.get(), WAIT)).xml.get("type") for _ in range(2)}
        assert kinds == {"unsubscribed", "unavailable"}, kinds
    await ben.show(pstatus="unseen")
    await ann.hears_nothing()
    await ann.show(pstatus="seen")
    await ben.hears("available", ann.boundjid.full)
    await leave(ann, ben, tablet)


async def deny():
    """RFC 6121 §3.1.5, §3.3: a request that waits for an offline contact is denied; one is taken back."""
    a, b = new_accounts("ann", "ben")
    ann = await Person(a, "phone").come()
    ann.send_presence(pto=b, ptype="subscribe", pstatus="Let me")
    await ann.pushed(b, ask="subscribe")
    for _ in range(2):  # told each time until it is answered
        ben = await Person(b, "desk").come()
        p = await ben.hears("subscribe", a)
        if _ == 0:
            await leave(ben)
    ben.send_presence(pto=a, ptype="unsubscribed")
    await ann.pushed(b, subscription="none", ask=None)
    await ann.hears("unsubscribed", b)
    await leave(ben)
    ben = await Person(b, "desk").come()
    await ben.hears_nothing()
    ann.send_presence(pto=b, ptype="subscribe")
    await ben.hears("subscribe", a)
    ann.send_presence(pto=b, ptype="unsubscribe")
    await ben.hears("unsubscribe", a)
    await leave(ben)
    ben = await Person(b, "desk").come()
    await ben.hears_nothing()
    await leave(ann, ben)


async def vanish():
    """RFC 6121 §4.5.2: whoever goes without a word is unavailable to contacts, own resources and directed presence."""
    a, b, c = new_accounts("ann", "ben", "cat")
    ann, ben, cat = await Person(a, "phone").come(), await Person(b, "desk").come(), await Person(c, "bike").come()
    await befriend(ann, ben)
    laptop = await Person(b, "laptop").come()
    await laptop.hears("available", ann.boundjid.full, among=[ben.boundjid.full])
    await ann.hears("available", laptop.boundjid.full)
    await ben.hears("available", laptop.boundjid.full)
    ben.send_presence(pto=cat.boundjid.full)
    await cat.hears("available", ben.boundjid.full)
    full = ben.boundjid.full
    await ben.cut()
    for p in (ann, laptop, cat):
        await p.hears("unavailable", full, among=[full, a + "/phone"] if p is laptop else ())
    await ann.hears_nothing()
    # And with words.
    await laptop.logout()
    await ann.hears("unavailable", f"{b}/laptop")
    await leave(ann, cat)


async def probe_after_return():
    """RFC 6121 §4.3: who comes back sees who is there, and nothing of who is not."""
    a, b = new_accounts("ann", "ben")
    ann, ben = await Person(a, "phone").come(), await Person(b, "desk").come()
    await befriend(ann, ben)
    await ben.logout()
    await ann.hears("unavailable", f"{b}/desk")
    await ann.show(pshow="xa", pstatus="asleep")
    ben = await Person(b, "back").come()
    p = await ben.hears("available", ann.boundjid.full)
    assert p["show"] == "xa" and p["status"] == "asleep", p
    await ann.hears("available", ben.boundjid.full)
    await leave(ann)
    await ben.hears("unavailable", f"{a}/phone")
    await leave(ben)
    ben = await Person(b, "desk").come()
    await ben.hears_nothing()
    await leave(ben)


async def offline():
    """XEP-0160, XEP-0203: stored messages come once, in order, with a stamp, to the first with a priority of 0 or more."""
    a, b = new_accounts("ann", "ben")
    ann = await Person(a, "phone").come()
    before = time.time()
    for i in range(60):
        to = b if i % 2 else f"{b}/gone"
        ann.chat(to, f"<{i}> \u041f\u0440\u0438\u0432\u0435\u0442")
    ann.send_message(mto=b, mbody="normal", mtype="normal")
    ann.send_message(mto=b, mbody="news", mtype="headline")
    ann.chat(b, "forget", ET.Element("{urn:xmpp:hints}no-store"))
    error = await ann.message()  # the hint makes it undeliverable
    assert error["type"] == "error" and error["error"]["condition"] == "service-unavailable", error
    await ann.hears_nothing()
    ben = await Person(b, "low").come(False)
    await ben.show(ppriority=-1)
    await ben.hears_nothing()
    await ben.show(ppriority=0)
    for i in range(61):
        m = await ben.message()
        assert m["body"] == ("normal" if i == 60 else f"<{i}> \u041f\u0440\u0438\u0432\u0435\u0442"), (i, m)
        assert m["from"] == ann.boundjid, m
        delay = m.xml.findall(DELAY)
        assert len(delay) == 1 and delay[0].get("from") == "localhost", m
        assert before - 2 <= stamp(delay[0].get("stamp")) <= time.time() + 2, m
    await ben.hears_nothing()
    ann.chat(b, "now")
    m = await ben.message()
    assert m["body"] == "now" and m.xml.find(DELAY) is None, m
    await ben.logout()
    ben = await Person(b, "again").come()
    await ben.hears_nothing()
    ann.chat("nobody-" + b, "Anyone?")
    error = await ann.message()
    assert error["type"] == "error" and error["error"]["condition"] == "service-unavailable", error
    await leave(ann, ben)


def stamp(text):
    from datetime import datetime
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def forwarded(message, direction):
    """The message in a carbon; the wrapper comes from the own account (XEP-0280 §11)."""
    found = message.xml.find(f"{{urn:xmpp:carbons:2}}{direction}/{{urn:xmpp:forward:0}}forwarded/{{jabber:client}}message")
    assert found is not None, f"no {direction} carbon: {message}"
    assert message["from"] == message["to"].bare, message
    return found


async def carbons():
    """XEP-0280: what one resource sends or gets, the other that asked for it gets too, once."""
    a, b = new_accounts("ann", "ben")
    ann, ben = await Person(a, "phone").come(), await Person(b, "desk").come()
    laptop, deaf = await Person(b, "laptop").come(), await Person(b, "deaf").come()
    for p in (ben, laptop):
        await p.ask("set", ET.Element("{urn:xmpp:carbons:2}enable"))
    ann.chat(ben.boundjid.full, "to the desk")
    assert (await ben.message())["body"] == "to the desk"
    copy = forwarded(await laptop.message(), "received")
    assert (copy.findtext("{jabber:client}body"), copy.get("from"), copy.get("to")) == ("to the desk", f"{a}/phone", f"{b}/desk"), copy.attrib
    ben.chat(a, "from the desk")
    assert (await ann.message())["body"] == "from the desk"
    copy = forwarded(await laptop.message(), "sent")
    assert (copy.findtext("{jabber:client}body"), copy.get("from"), copy.get("to")) == ("from the desk", f"{b}/desk", a), copy.attrib
    ann.chat(ben.boundjid.full, "secret", ET.Element("{urn:xmpp:carbons:2}private"))
    assert (await ben.message())["body"] == "secret"
    ann.chat(ben.boundjid.full, "once", ET.Element("{urn:xmpp:hints}no-copy"))
    assert (await ben.message())["body"] == "once"
    ann.chat(b, "to all")  # all of equal priority get it, so nobody gets a copy
    for p in (ben, laptop, deaf):
        assert (await p.message())["body"] == "to all", p.boundjid
    await laptop.ask("set", ET.Element("{urn:xmpp:carbons:2}disable"))
    ann.chat(ben.boundjid.full, "last")
    assert (await ben.message())["body"] == "last"
    for p in (ann, ben, laptop, deaf):
        await p.synced()
        assert p.messages.empty(), p.messages.get_nowait()
    await leave(ann, ben, laptop, deaf)


def block(name, *jids):
    e = ET.Element(f"{{{BLOCKING}}}{name}")
    for j in jids:
        ET.SubElement(e, f"{{{BLOCKING}}}item", jid=j)
    return e


async def blocked(person):
    answer = await person.ask("get", block("blocklist"))
    return {i.get("jid") for i in answer.find(f"{{{BLOCKING}}}blocklist")}


async def blocking():
    """XEP-0191: nothing comes, nothing goes, the contact sees one go away and come back."""
    a, b = new_accounts("ann", "ben")
    ann, ben = await Person(a, "phone").come(), await Person(b, "desk").come()
    tablet = await Person(a, "tablet").come()
    await ann.hears("available", tablet.boundjid.full)
    await tablet.hears("available", ann.boundjid.full)
    tablet.register_plugin("xep_0191")
    told = asyncio.Queue()
    tablet.add_event_handler("blocked", told.put_nowait)
    tablet.add_event_handler("unblocked", told.put_nowait)
    ann.send_presence(pto=b, ptype="subscribe")
    await ben.hears("subscribe", a)
    ben.send_presence(pto=a, ptype="subscribed")
    ben.send_presence(pto=a, ptype="subscribe")
    for p in (ann, tablet):
        await p.hears("subscribed", b)
        await p.hears("available", ben.boundjid.full)
        await p.hears("subscribe", b)
    ann.send_presence(pto=b, ptype="subscribed")
    await ben.hears("subscribed", a)
    for _ in range(2):
        await asyncio.wait_for(ben.presences.get(), WAIT)  # both resources of ann
    assert await blocked(ann) == set() and await blocked(tablet) == set()
    await ben.synced()
    drain(ben.pushes)
    await ann.ask("set", block("block", b))
    iq = await asyncio.wait_for(told.get(), WAIT)
    assert [i.get("jid") for i in iq.xml[0]] == [b], iq
    gone = {str((await ben.hears_any("unavailable"))["from"]) for _ in range(2)}
    assert gone == {f"{a}/phone", f"{a}/tablet"}, gone
    assert await blocked(tablet) == {b}
    ben.chat(a, "Are you there?")
    error = await ben.message()
    assert error["type"] == "error" and error["error"]["condition"] == "service-unavailable", error
    await fails(ben.ask("get", ET.Element("{urn:xmpp:ping}ping"), ann.boundjid.full), "service-unavailable")
    ann.chat(b, "Hello")
    error = await ann.message()
    assert error["type"] == "error" and error["error"]["condition"] == "not-acceptable", error
    assert error.xml.find("{jabber:client}error/{urn:xmpp:blocking:errors}blocked") is not None, error
    await ann.show(pstatus="hidden")
    await ben.hears_nothing()
    await ben.show(pstatus="hidden too")
    await ann.synced()
    assert all(p["from"].bare == a for p in drain(ann.presences))
    # It outlives the sessions, also for what would be stored.
    await leave(ann, tablet)
    await ben.hears_nothing()
    ben.chat(a, "Store this")
    error = await ben.message()
    assert error["type"] == "error", error
    ann = await Person(a, "phone").come()
    assert await blocked(ann) == {b}
    await ann.hears_nothing()
    await ann.show(pstatus="back")
    await ann.ask("set", block("unblock", b))
    p = await ben.hears("available", ann.boundjid.full)
    assert p["status"] == "back", p
    await ben.show(pstatus="back too")
    await ann.hears("available", ben.boundjid.full)
    ben.chat(a, "Back")
    assert (await ann.message())["body"] == "Back"
    await leave(ann, ben)


def drain(queue):
    out = []
    while not queue.empty():
        out.append(queue.get_nowait())
    return out


async def info(person, to, node=None):
    query = ET.Element(f"{{{DISCO_INFO}}}query")
    if node:
        query.set("node", node)
    return (await person.ask("get", query, to)).find(f"{{{DISCO_INFO}}}query")


def features(query):
    return {f.get("var") for f in query.findall(f"{{{DISCO_INFO}}}feature")}


def identities(query):
    return {(i.get("category"), i.get("type")) for i in query.findall(f"{{{DISCO_INFO}}}identity")}


async def disco():
    """XEP-0030, XEP-0115: what server and account say of themselves; the hash in the stream features is right."""
    a, b = new_accounts("ann", "ben")
    ann = Person(a, "phone")
    for plugin in ("xep_0115", "xep_0128"):
        ann.register_plugin(plugin)
    ann["xep_0115"].broadcast = False
    announced = asyncio.Queue()
    ann.add_event_handler("entity_caps", announced.put_nowait)
    await ann.come()
    server = await info(ann, "localhost")
    assert ("server", "im") in identities(server), identities(server)
    want = {DISCO_INFO, DISCO_ITEMS, CAPS, "urn:xmpp:ping", "urn:xmpp:time", "jabber:iq:version", "jabber:iq:last", "vcard-temp",
            "jabber:iq:private", BLOCKING, "urn:xmpp:carbons:2", "msgoffline"}
    missing = want - features(server)
    assert not missing - features(await info(ann, a)), f"announced neither by the server nor by the account: {missing}"
    items = (await ann.ask("get", ET.Element(f"{{{DISCO_ITEMS}}}query"), "localhost")).find(f"{{{DISCO_ITEMS}}}query")
    assert items is not None
    account = await info(ann, None)
    assert ("account", "registered") in identities(account), identities(account)
    await fails(info(ann, b), "service-unavailable", "subscription-required")  # not subscribed, XEP-0030 §8
    await fails(info(ann, "localhost", "no such node"), "item-not-found")
    # The hash, computed by slixmpp from the answer for the announced node.
    caps = (await asyncio.wait_for(announced.get(), WAIT))["caps"]
    assert caps["hash"] == "sha-1", caps
    full = await ann["xep_0030"].get_info(jid="localhost", node=f"{caps['node']}#{caps['ver']}", timeout=WAIT)
    ver = ann["xep_0115"].generate_verstring(full["disco_info"], "sha-1")
    assert ver == caps["ver"], f"{ver} instead of {caps['ver']}"
    await leave(ann)
    return f"{len(features(server))} features"


async def vcard():
    """XEP-0054, XEP-0153: set, get, seen by others; the photo's hash in presence."""
    a, b = new_accounts("ann", "ben")
    ann, ben = await Person(a, "phone").come(), await Person(b, "desk").come()
    await befriend(ann, ben)
    image = bytes(range(256)) * 8
    card = ET.Element("{vcard-temp}vCard")
    ET.SubElement(card, "{vcard-temp}FN").text = "Ann \u00c5"
    photo = ET.SubElement(card, "{vcard-temp}PHOTO")
    ET.SubElement(photo, "{vcard-temp}TYPE").text = "image/png"
    ET.SubElement(photo, "{vcard-temp}BINVAL").text = base64.encodebytes(image).decode()
    await ann.ask("set", card)
    p = await ben.hears("available", ann.boundjid.full)  # anew, as the photo has changed
    assert p.xml.findtext("{vcard-temp:x:update}x/{vcard-temp:x:update}photo") == hashlib.sha1(image).hexdigest(), p
    for p, to in ((ann, None), (ben, a)):
        got = (await p.ask("get", ET.Element("{vcard-temp}vCard"), to)).find("{vcard-temp}vCard")
        assert got.findtext("{vcard-temp}FN") == "Ann \u00c5", got
        assert base64.b64decode(got.findtext("{vcard-temp}PHOTO/{vcard-temp}BINVAL")) == image
    await fails(ben.ask("set", card, a), "forbidden", "not-allowed", "service-unavailable")
    ann.send_presence()
    p = await ben.hears("available", ann.boundjid.full)
    seen = p.xml.findtext("{vcard-temp:x:update}x/{vcard-temp:x:update}photo")
    assert seen == hashlib.sha1(image).hexdigest(), p
    await leave(ann, ben)


async def private():
    """XEP-0049: what one resource keeps, another reads; nobody else does."""
    a, b = new_accounts("ann", "ben")
    ann, ben = await Person(a, "phone").come(), await Person(b, "desk").come()

    def query(text=None):
        q = ET.Element("{jabber:iq:private}query")
        ET.SubElement(q, "{urn:example:notes}notes").text = text
        return q

    def notes(iq):
        return iq.findtext("{jabber:iq:private}query/{urn:example:notes}notes")

    assert not notes(await ann.ask("get", query()))
    await ann.ask("set", query("buy <milk>"))
    tablet = await Person(a, "tablet").come()
    assert notes(await tablet.ask("get", query())) == "buy <milk>"
    await fails(ben.ask("get", query(), a), "forbidden", "service-unavailable")
    assert not notes(await ben.ask("get", query()))
    await leave(ann, ben, tablet)


async def small_talk():
    """XEP-0012, 0092, 0199, 0202: last activity, version, ping and time."""
    a, b = new_accounts("ann", "ben")
    ann, ben = await Person(a, "phone").come(), await Person(b, "desk").come()
    for to in ("localhost", None):
        assert (await ann.ask("get", ET.Element("{urn:xmpp:ping}ping"), to)).get("type") == "result"
    version = (await ann.ask("get", ET.Element("{jabber:iq:version}query"), "localhost")).find("{jabber:iq:version}query")
    assert version.findtext("{jabber:iq:version}name") == "xylem" and version.findtext("{jabber:iq:version}version"), version
    before = time.time()
    clock = (await ann.ask("get", ET.Element("{urn:xmpp:time}time"), "localhost")).find("{urn:xmpp:time}time")
    assert before - 2 <= stamp(clock.findtext("{urn:xmpp:time}utc")) <= time.time() + 2, clock
    last = (await ann.ask("get", ET.Element("{jabber:iq:last}query"), "localhost")).find("{jabber:iq:last}query")
    assert 0 <= int(last.get("seconds")) < 100_000, last
    await fails(ben.ask("get", ET.Element("{jabber:iq:last}query"), a), "forbidden", "service-unavailable")
    await befriend(ann, ben)

    async def idle():
        last = (await ben.ask("get", ET.Element("{jabber:iq:last}query"), a)).find("{jabber:iq:last}query")
        return int(last.get("seconds"))
    assert await idle() == 0
    ann.send_presence(ptype="unavailable", pstatus="gone fishing")
    await ben.hears("unavailable", ann.boundjid.full)
    await ann.logout()
    assert 0 <= await idle() <= WAIT
    await leave(ben)
    return f"{version.findtext('{jabber:iq:version}name')} {version.findtext('{jabber:iq:version}version')}"


async def client_state():
    """XEP-0352: an inactive client is spared presence and typing, and gets it before what it is not spared."""
    a, b = new_accounts("ann", "ben")
    ann = Person(a, "phone")
    ann.register_plugin("xep_0352")
    await ann.come()
    ben = await Person(b, "desk").come()
    await befriend(ann, ben)
    ann["xep_0352"].send_inactive()
    await ann.synced()
    ben.send_presence(pshow="away")
    ben.send_presence(pshow="dnd")
    typing = ben.make_message(mto=a, mtype="chat")
    typing.append(ET.Element("{http://jabber.org/protocol/chatstates}composing"))
    typing.send()
    await ben.synced()
    assert ann.presences.empty() and ann.messages.empty(), "an inactive client was told of what can wait"
    ben.chat(a, "look")
    p = await ann.hears("available", ben.boundjid.full)
    assert p["show"] == "dnd", p
    got = [(await ann.message())["body"] for _ in range(2)]
    assert got[-1] == "look", got
    ann["xep_0352"].send_active()
    ben.send_presence(pshow="away")
    assert (await ann.hears("available", ben.boundjid.full))["show"] == "away"
    await leave(ann, ben)


async def stanza_ids():
    """XEP-0359: ids that others forge are left out on every way, origin ids pass, what is stored has one of the server's."""
    a, b = new_accounts("ann", "ben")
    forged = ET.Element("{urn:xmpp:sid:0}stanza-id", id="forged", by=b)
    origin = ET.Element("{urn:xmpp:sid:0}origin-id", id="mine")

    def ids(message):
        return [(e.get("by"), e.get("id")) for e in message.xml.iter("{urn:xmpp:sid:0}stanza-id")]

    def send(body):
        m = ann.make_message(mto=b, mbody=body, mtype="chat")
        m.append(forged)
        m.append(origin)
        m.send()

    ann = await Person(a, "phone").come()
    send("stored")
    await ann.synced()
    ben, tablet = Person(b, "desk"), Person(b, "tablet")
    tablet.register_plugin("xep_0280")
    await ben.come()
    m = await ben.message()
    assert m["body"] == "stored" and len(ids(m)) == 1, m
    by, sid = ids(m)[0]
    assert by == b and sid not in ("", "forged"), m
    await tablet.come()
    await ben.hears("available", tablet.boundjid.full)
    await tablet["xep_0280"].enable()
    send("delivered")
    m = await ben.message()
    assert m["body"] == "delivered" and ids(m) == [], m
    assert m.xml.find("{urn:xmpp:sid:0}origin-id").get("id") == "mine", m
    ann.make_message(mto=ben.boundjid.full, mbody="to one", mtype="chat").send()
    m = ann.make_message(mto=ben.boundjid.full, mbody="copied", mtype="chat")
    m.append(forged)
    m.send()
    copy = await tablet.message()
    while "copied" not in str(copy):
        copy = await tablet.message()
    assert ids(copy) == [], copy
    await leave(ann, ben, tablet)


async def account():
    """XEP-0077: a client changes its password, and removes its account."""
    (a,) = new_accounts("ann")
    ann = Person(a, "phone")
    ann.register_plugin("xep_0077")
    ann["xep_0077"].create_account = False
    await ann.come()
    await ann["xep_0077"].change_password("n\u00e9w secret", timeout=WAIT)
    await leave(ann)
    old = Person(a, "phone")
    old.start()
    assert await asyncio.wait_for(old.state.get(), WAIT) == "refused"
    old.abort()
    again = Person(a, "phone", password="n\u00e9w secret")
    again.register_plugin("xep_0077")
    again["xep_0077"].create_account = False
    await again.come()
    await again["xep_0077"].cancel_registration(timeout=WAIT)
    gone = Person(a, "phone", password="n\u00e9w secret")
    gone.start()
    assert await asyncio.wait_for(gone.state.get(), WAIT) == "refused"
    gone.abort()
    again.abort()


async def register():
    """XEP-0077: a client makes its account within the stream on which it logs in; a name that is taken is refused."""
    name = f"new-{run_name}-{next(numbers)}"
    answers = asyncio.Queue()

    def newcomer(password):
        person = Person(f"{name}@localhost", "phone", password=password)
        person.register_plugin("xep_0077")
        person._always_send_everything = True  # slixmpp 1.8 holds back all IQs until there is a session, those for an account, too

        async def fill_in(form):
            assert {"username", "password"} <= form["register"]["fields"], form
            iq = person.make_iq_set()
            iq["register"]["username"], iq["register"]["password"] = name, password
            try:
                await iq.send(timeout=WAIT)
                answers.put_nowait("made")
            except IqError as e:
                answers.put_nowait(e.iq["error"]["condition"])

        person.add_event_handler("register", fill_in)
        return person

    first = await newcomer("se\u00e7ret").come()
    assert await asyncio.wait_for(answers.get(), WAIT) == "made"
    second = newcomer("another")
    second.start()
    assert await asyncio.wait_for(answers.get(), WAIT) == "conflict"
    assert await asyncio.wait_for(second.state.get(), WAIT) == "refused"
    second.abort()
    await leave(first)
    known = Person(f"{name}@localhost", "tablet", password="se\u00e7ret")
    await known.come()
    await leave(known)


TESTS = {
    "roster": roster,
    "subscribe": subscribe,
    "deny": deny,
    "vanish": vanish,
    "probe-after-return": probe_after_return,
    "offline": offline,
    "carbons": carbons,
    "blocking": blocking,
    "disco": disco,
    "vcard": vcard,
    "private": private,
    "small-talk": small_talk,
    "client-state": client_state,
    "stanza-ids": stanza_ids,
    "account": account,
    "register": register,
}

if __name__ == "__main__":
    sys.exit(suite.main(sys.argv[1:], TESTS))
