"""What must work between servers that mean well. The tables say between which; each line of a scenario says what for."""

import asyncio
import re

import im
from people import CARBONS, UNKNOWN, fails
from scenario import LIMIT, PEERS, scenario

GONE = ("service-unavailable", "item-not-found")  # what is said of users that do not exist, RFC 6121 §8.5.1


@scenario()
async def message(world, people, here, there):
    """Chat both ways, to bare and full addresses, in order."""
    ann, ben = await people.pair(here, there)
    for to_ben, to_ann in ((ben.bare, ann.bare), (ben.boundjid.full, ann.boundjid.full)):
        await talk(ann, ben, 20, to_ben, to_ann)


async def talk(ann, ben, count=1, to_ben=None, to_ann=None):
    """Both write, and each gets what the other wrote, in order and from the address that wrote it."""
    for i in range(count):
        ann.chat(to_ben or ben.bare, f"to {ben.bare} {i}")
        ben.chat(to_ann or ann.bare, f"to {ann.bare} {i}")
    for i in range(count):
        for person, sender in ((ben, ann), (ann, ben)):
            m = await person.message()
            assert m["type"] == "chat" and m["from"] == sender.boundjid, m
            assert m["body"] == f"to {person.bare} {i}", f"{m['body']} instead of {i}"


@scenario()
async def iq(world, people, here, there):
    """Requests both ways: results and errors of clients, and of the other server."""
    ann, ben = await people.pair(here, there)
    for asks, answers in ((ann, ben), (ben, ann)):
        answers.register_plugin("xep_0199")
        result = await asks.ask("get", im.ET.Element("{urn:xmpp:ping}ping"), answers.boundjid.full)
        assert result.get("type") == "result" and result.get("from") == answers.boundjid.full, result
        await fails(asks.query(answers.boundjid.full), answers.boundjid.full, "service-unavailable", "feature-not-implemented")
        info = await asks.ask("get", im.ET.Element(f"{{{im.DISCO_INFO}}}query"), answers.home.domain())
        assert info.find(f"{{{im.DISCO_INFO}}}query/{{{im.DISCO_INFO}}}identity").get("category") == "server"
        await fails(asks.query(answers.home.domain()), answers.home.domain(), "service-unavailable", "feature-not-implemented")


@scenario()
async def unknown_user(world, people, here, there):
    """Whoever writes to a user who does not exist is told by the other server."""
    ann = await people.come("ann", here.domain())
    nobody = people.address("nobody", there.domain())
    condition, _ = await ann.refused(nobody)
    assert condition in GONE, condition
    await fails(ann.query(nobody), nobody, *GONE)
    await fails(ann.query(nobody + "/somewhere"), nobody + "/somewhere", *GONE)


async def befriend(ann, ben):
    """Subscriptions both ways."""
    for a, b in ((ann, ben), (ben, ann)):
        a.send_presence(pto=b.bare, ptype="subscribe")
        await b.hears("subscribe", a.bare)
        b.send_presence(pto=a.bare, ptype="subscribed")
        await a.hears_all(("subscribed", b.bare), ("available", b.boundjid.full))
    for p in (ann, ben):
        while (await p.pushed_any()).get("subscription") != "both":
            pass


@scenario()
async def subscription(world, people, here, there):
    """Subscriptions both ways, the presence that they bring, and their end."""
    ann, ben = await people.pair(here, there)
    await befriend(ann, ben)
    await ben.show(pshow="dnd", pstatus="busy")
    await ann.hears("available", ben.boundjid.full, show="dnd", status="busy")
    ann.send_presence(pto=ben.bare, ptype="unsubscribe")
    await ann.pushed(ben.bare, subscription="from")
    await ben.hears("unsubscribe", ann.bare)
    await ben.pushed(ann.bare, subscription="to")
    if "unsubscribe" not in there.deviations:
        await ann.hears("unavailable", ben.boundjid.full)
    ann.send_presence(pto=ben.bare, ptype="unsubscribed")
    await ann.pushed(ben.bare, subscription="none")
    await ben.hears_all(("unsubscribed", ann.bare), ("unavailable", ann.boundjid.full))
    await ben.pushed(ann.bare, subscription="none")
    await ben.show()
    await talk(ann, ben)  # and nothing before it
    await ann.hears_no_more()


@scenario()
async def declined(world, people, here, there):
    """A request that waits for its answer while nobody is there, and is declined."""
    ann, ben = await people.pair(here, there)
    await ben.logout()
    ann.send_presence(pto=ben.bare, ptype="subscribe")
    await ann.pushed(ben.bare, subscription="none", ask="subscribe")
    await ann.query_ignored(there.domain())  # has overtaken nothing
    ben = await people.again(ben, presence=False)
    ben.send_presence()
    await ben.hears("subscribe", ann.bare, among=(ben.boundjid.full,))
    ben.send_presence(pto=ann.bare, ptype="unsubscribed")
    await ann.hears("unsubscribed", ben.bare)
    await ann.pushed(ben.bare, subscription="none", ask=None)


@scenario()
async def presence_at_login(world, people, here, there):
    """Who comes hears of contacts elsewhere by a probe, and they of him; who goes, too."""
    ann, ben = await people.pair(here, there)
    await befriend(ann, ben)
    await ann.show(pstatus="reading")
    await ben.hears("available", ann.boundjid.full, status="reading")
    await ben.logout()
    await ann.hears("unavailable", ben.boundjid.full)
    ben = await people.again(ben, presence=False)
    ben.send_presence()
    await ben.hears("available", ann.boundjid.full, among=(ben.boundjid.full,), status="reading")
    await ann.hears("available", ben.boundjid.full)
    await ben.cut()
    await ann.hears("unavailable", ben.boundjid.full)


@scenario()
async def offline(world, people, here, there):
    """Messages wait at the far side for who is not there, in order, and tell when they were sent."""
    ann, ben = await people.pair(here, there)
    await ben.logout()
    for i in range(10):
        ann.chat(ben.bare, f"number {i}")
    await ann.query_ignored(there.domain())
    ben = await people.again(ben)
    for i in range(10):
        m = await ben.message()
        assert m["body"] == f"number {i}" and m["from"] == ann.boundjid, m
        assert m.xml.find(im.DELAY) is not None, m


@scenario()
async def carbons(world, people, here, there):
    """The other resource of each side sees what is said between the servers."""
    ann, ben = await people.pair(here, there)
    others = [await people.again(p) for p in (ann, ben)]
    for p in (ann, ben, *others):
        await p.ask("set", im.ET.Element(f"{{{CARBONS}}}enable"))
    ann.chat(ben.boundjid.full, "seen by all")
    m = await ben.message()
    assert m["body"] == "seen by all", m
    for p, direction in zip(others, ("sent", "received")):
        m = await p.message()
        assert m.xml.find(f"{{{CARBONS}}}{direction}") is not None, m


@scenario()
async def blocking(world, people, here, there):
    """Who is blocked gets an error, and hears nothing."""
    ann, ben = await people.pair(here, there)
    await befriend(ann, ben)
    block = im.ET.Element(f"{{{im.BLOCKING}}}block")
    im.ET.SubElement(block, f"{{{im.BLOCKING}}}item", jid=ben.bare)
    await ann.ask("set", block)
    if "block" not in here.deviations:
        await ben.hears("unavailable", ann.boundjid.full)
    condition, _ = await ben.refused(ann.bare)
    assert condition in ("service-unavailable", "not-acceptable"), condition
    await fails(ben.query(ann.boundjid.full), ann.boundjid.full, "service-unavailable", "not-acceptable")
    await ann.synced()
    assert ann.messages.empty(), ann.messages.get_nowait()


@scenario()
async def several_domains(world, people, here, there):
    """Two domains of each side, every one with every other."""
    pairs = await asyncio.gather(people.pair(here, there), people.pair(here, there, "second", "second"))
    for ann, _ in pairs:
        for _, ben in pairs:
            await talk(ann, ben, 3)
    if here.is_xylem and there.is_xylem:  # one connection does for both
        text = await here.cli("s2s", "status", there.domain())
        assert re.search(rf"sends +{here.domain()} .*{here.domain('second')} |sends +{here.domain('second')} .*{here.domain()} ", text), text


@scenario()
async def bodies(world, people, here, there):
    """Text and unknown payloads arrive as they were sent; so does a large message."""
    ann, ben = await people.pair(here, there)
    for body in (*im.suite.BODIES, "Ы" * 40_000):
        payload = im.ET.Element(UNKNOWN, a="<&'\">", b="\u00e9")
        im.ET.SubElement(payload, "{jabber:client}body").text = "an element of the content namespace"
        im.ET.SubElement(payload, "{jabber:server}body").text = "and of that of servers"
        ann.chat(ben.bare, body, payload)
        m = await ben.message()
        assert m.xml.findtext("{jabber:client}body") == body, repr(m["body"])[:200]
        got = m.xml.find(UNKNOWN)
        assert got is not None and got.attrib == payload.attrib, m


# How domains are found: by xylem everywhere, and by the others as far as they can.
DIALLED = (("a", "b"), ("a", "prosody"), ("a", "ejabberd"))
BOTH = DIALLED + (("prosody", "a"), ("ejabberd", "a")) + PEERS


async def meets(people, here, there, kind):
    """A domain of the kind can be spoken to, and speaks."""
    ann, ben = await people.pair(here, there, "", kind)
    await talk(ann, ben, 3)
    return ann, ben


# ejabberd 23.01 does not say by SNI which domain it wants; Prosody has no certificate for it then.
@scenario(DIALLED + (("prosody", "a"), ("ejabberd", "a"), ("prosody", "ejabberd")))
async def direct_tls(world, people, here, there):
    """Only _xmpps-server (XEP-0368)."""
    await meets(people, here, there, "direct")


@scenario(DIALLED)
async def diagnosis(world, people, here, there):
    """The operator sees how it stands with a domain, and tries the way to it step by step."""
    ann, ben = await people.pair(here, there)
    await talk(ann, ben)
    text = await here.cli("s2s", "status", there.domain(), status=0)
    for part in ("state +connected", f"sends +{here.domain()} .SASL EXTERNAL", "certificate +proves the domain", re.escape(there.address)):
        assert re.search(part, text), f"{part} is not in {text}"
    text = await here.cli("s2s", "check", there.domain(), status=0)
    for part in ("SRV _xmpp-server", re.escape(there.address), "TLS 1.3", "proved by SASL EXTERNAL", "can be reached"):
        assert re.search(part, text), f"{part} is not in {text}"


@scenario(BOTH)
async def priorities(world, people, here, there):
    """SRV records of several priorities: the first refuses, the second does not exist."""
    await meets(people, here, there, "priorities")


@scenario(DIALLED, limit=LIMIT + 1)  # the others wait longer for it than this takes
async def silent_first(world, people, here, there):
    """The first address swallows what is sent to it."""
    await meets(people, here, there, "silent")


@scenario(BOTH)
async def no_srv(world, people, here, there):
    """Without SRV records the domain's own address and port 5269 are taken (RFC 6120 §3.2.2)."""
    await meets(people, here, there, "bare")


@scenario(BOTH)
async def ipv6(world, people, here, there):
    """No address but of IPv6."""
    if not world.network.isolated:
        return "there is no IPv6 here"
    await meets(people, here, there, "six")


@scenario(BOTH)
async def server_certificate(world, people, here, there):
    """A certificate that is for servers only, as public authorities have them."""
    await meets(people, here, there, "serveronly")
