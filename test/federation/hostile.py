"""Peers that mean no good: what they may not do, what they are told, and that nobody else notices."""

import asyncio
import logging
import random
import re
import time
import xml.etree.ElementTree as ET

from evil import EXTERNAL, OFFERS_DIALBACK
from process import eventually, resident
from scenario import scenario
from wire import DIALBACK, SASL, STREAM, TLS, Ended, header

VICTIM = (("d", "evil"),)
STREAM_ERRORS = "{urn:ietf:params:xml:ns:xmpp-streams}"
PATIENCE = 90  # seconds; that of d is 15


async def stream_error(wire, seconds=PATIENCE):
    """The stream error that the other side ends with; "" when it ends without one."""
    async def read():
        try:
            error = await wire.until(f"{{{STREAM}}}error")
        except (Ended, ConnectionError, ET.ParseError):
            return ""
        conditions = [e.tag.removeprefix(STREAM_ERRORS) for e in error if e.tag.startswith(STREAM_ERRORS)]
        return next(c for c in conditions if c != "text")
    condition = await asyncio.wait_for(read(), seconds)
    await wire.ended(seconds)
    return condition


def message(sender, to, body, more=""):
    by = f" from='{sender}'" if sender else ""
    to = f" to='{to}'" if to else ""
    return f"<message type='chat'{by}{to}{more}><body>{body}</body></message>"


# ------------------------------------------------------------------------------------------- lies

LIES = {  # what a peer says that is evil.test: (from, to) and what the stream ends with
    "another domain": ("ben@prosody.test", "{ann}", "invalid-from"),
    "our own domain": ("{ann}", "{ann}", "invalid-from"),
    "a domain below": ("ben@sub.evil.test", "{ann}", "invalid-from"),
    "a domain that ends alike": ("ben@notevil.test", "{ann}", "invalid-from"),
    "nobody": (None, "{ann}", "improper-addressing"),
    "to nobody": ("ben@evil.test", None, "improper-addressing"),
    "to be passed on": ("ben@evil.test", "somebody@prosody.test", "host-unknown"),
}


@scenario(VICTIM)
async def lies_about_from(world, people, here, there):
    """Who is proved as one domain speaks for no other: the stream ends, and nothing is delivered."""
    ann = await people.come("ann", here.domain())
    for what, (sender, to, wanted) in LIES.items():
        wire = await there.authenticated(here)
        sender, to = (a and a.format(ann=ann.bare) for a in (sender, to))
        wire.send(message(sender, to, "a lie"))
        got = await stream_error(wire)
        assert got == wanted, f"{what}: {got or 'no error'} instead of {wanted}"
    wire = await there.authenticated(here)
    wire.send(message("ben@evil.test", ann.bare, "the truth"))
    m = await ann.message()
    assert m["body"] == "the truth", m


@scenario(VICTIM)
async def not_proved(world, people, here, there):
    """Stanzas before anything was proved, with and without TLS."""
    ann = await people.come("ann", here.domain())
    wire = await there.call(here)
    wire.send(message("ben@evil.test", ann.bare, "too soon"))
    got = await stream_error(wire)
    assert got in ("not-authorized", "invalid-from"), got
    wire = await there.connect(here)
    wire.send(header("jabber:server", here.domain(), "evil.test", f" xmlns:db='{DIALBACK}'"))
    wire.send(message("ben@evil.test", ann.bare, "in the clear"))
    got = await stream_error(wire)
    assert got in ("not-authorized", "policy-violation", "invalid-from"), got
    wire = await there.connect(here)
    wire.send(header("jabber:server", here.domain(), "evil.test", f" xmlns:db='{DIALBACK}'") + db_result("evil.test", here.domain()))
    got = await answer_of(wire, "evil.test")
    assert got == "error", got  # XEP-0220 §2.5
    await ann.synced()
    assert ann.messages.empty(), ann.messages.get_nowait()


def db_result(sender, to, key="0123456789abcdef"):
    return f"<db:result from='{sender}' to='{to}'>{key}</db:result>"


async def answer_of(wire, sender):
    """The answer to db:result for a domain."""
    while True:
        e = await wire.until(f"{{{DIALBACK}}}result")
        if e.get("to") == sender:
            return e.get("type")


@scenario(VICTIM, needs=("prosody",))
async def false_key(world, people, here, there):
    """Dialback with a key that the domain has not made: the domain is asked and says so (XEP-0220)."""
    ann = await people.come("ann", here.domain())
    liar = world.servers["prosody"].domain()
    wire = await there.call(here, liar, certificate=False)
    wire.send(db_result(liar, here.domain()))
    got = await answer_of(wire, liar)
    assert got == "invalid", got
    wire = await there.call(here, certificate=False)
    wire.send(db_result("evil.test", here.domain()))  # nobody listens there
    got = await answer_of(wire, "evil.test")
    assert got == "error", got
    wire.send(message("ben@evil.test", ann.bare, "nevertheless"))
    got = await stream_error(wire)
    assert got in ("not-authorized", "invalid-from"), got
    await ann.synced()
    assert ann.messages.empty(), ann.messages.get_nowait()


@scenario(VICTIM)
async def dialback_by_hand(world, people, here, there):
    """Dialback as it should be: the domain is asked and confirms. What else it says meanwhile counts for nothing."""
    ann = await people.come("ann", here.domain())
    slow = "lame.test"  # nobody can be asked for it
    first = await there.call(here, slow, certificate=False)
    asked = asyncio.Queue()

    async def authority(wire):
        await there.accept_tls(wire, OFFERS_DIALBACK)
        question = await wire.until(f"{{{DIALBACK}}}verify")
        asked.put_nowait(question)
        answer = "<db:verify from='{}' to='{}' id='{}' type='valid'/>"
        wire.send(answer.format(slow, here.domain(), first.stream_id))  # a question that somebody else was asked
        wire.send(answer.format(wire.domain, here.domain(), "another"))
        wire.send(answer.format(wire.domain, here.domain(), question.get("id")))
        await wire.ended(600)
    name = await there.open(authority)
    first.send(db_result(slow, here.domain()))
    second = await there.call(here, name, certificate=False)
    second.send(db_result(name, here.domain(), "the key"))
    got = await answer_of(second, name)
    assert got == "valid", got
    question = await asked.get()
    assert question.text == "the key" and question.get("from") == here.domain(), ET.tostring(question)
    second.send(message(f"ben@{name}", ann.bare, "proved"))
    m = await ann.message()
    assert m["body"] == "proved" and m["from"] == f"ben@{name}", m
    try:
        got = await answer_of(first, slow)
    except Ended:
        got = "ended"
    assert got in ("error", "ended"), f"lame.test was taken for {got} on the word of somebody else"


@scenario(VICTIM, needs=("prosody",))
async def unasked_answers(world, people, here, there):
    """Who is called and says that we may speak to another domain, too, is not given what is for that."""
    ann = await people.come("ann", here.domain())
    ben = await people.come("ben", world.servers["prosody"].domain())
    got = asyncio.Queue()

    async def behave(wire):
        await there.accept_tls(wire, OFFERS_DIALBACK)
        await wire.until(f"{{{DIALBACK}}}result")
        for name in (world.servers["prosody"].domain(), wire.domain):
            wire.send(f"<db:result from='{name}' to='{here.domain()}' type='valid'/>")
        while True:
            got.put_nowait(await wire.read())
    name = await there.open(behave)
    ann.chat(f"x@{name}", "for evil")
    while (e := await asyncio.wait_for(got.get(), PATIENCE)).tag != "{jabber:server}message":
        pass
    assert e.get("to") == f"x@{name}", ET.tostring(e)
    ann.chat(ben.bare, "for ben alone")
    m = await ben.message()
    assert m["body"] == "for ben alone", m
    await ann.synced()
    while not got.empty():
        e = got.get_nowait()
        assert "for ben" not in ET.tostring(e, "unicode"), "evil got what was for Prosody"


@scenario(VICTIM)
async def without_tls(world, people, here, there):
    """A server that has no TLS gets nothing, even where dialback is enough (RFC 7590)."""
    ann = await people.come("ann", here.domain())
    got = []

    async def behave(wire):
        await there.answer(wire, OFFERS_DIALBACK)
        while True:
            e = await wire.read()
            got.append(e.tag)
            if e.tag == f"{{{DIALBACK}}}result":
                wire.send(f"<db:result from='{wire.domain}' to='{here.domain()}' type='valid'/>")
    name = await there.open(behave)
    condition, text = await ann.refused(f"x@{name}")
    assert condition in ("remote-server-timeout", "remote-server-not-found") and "TLS" in text, (condition, text)
    assert "{jabber:server}message" not in got, got
    assert "TLS" in await here.cli("s2s", "status", name)
    return text


# ------------------------------------------------------------------------------------------ stalls

async def stalls(wire):
    """Says nothing more, and reads nothing."""
    await asyncio.sleep(600)


async def mute(there, wire):
    await stalls(wire)


async def no_features(there, wire):
    await there.answer(wire, None)
    await stalls(wire)


async def no_proceed(there, wire):
    await there.answer(wire, f"<starttls xmlns='{TLS}'/>")
    await stalls(wire)


async def no_handshake(there, wire):
    await there.answer(wire, f"<starttls xmlns='{TLS}'/>")
    await wire.until(f"{{{TLS}}}starttls")
    wire.send(f"<proceed xmlns='{TLS}'/>")
    await stalls(wire)


async def no_header_in_tls(there, wire):
    await there.answer(wire, f"<starttls xmlns='{TLS}'/>")
    await wire.until(f"{{{TLS}}}starttls")
    wire.send(f"<proceed xmlns='{TLS}'/>")
    await wire.secure(there.context(True))
    await stalls(wire)


async def no_success(there, wire):
    await there.accept_tls(wire, EXTERNAL)
    await stalls(wire)


async def no_header_after_success(there, wire):
    await there.accept_tls(wire, EXTERNAL)
    await wire.until(f"{{{SASL}}}auth")
    wire.send(f"<success xmlns='{SASL}'/>")
    await stalls(wire)


async def no_answer_of_dialback(there, wire):
    await there.accept_tls(wire, OFFERS_DIALBACK)
    await stalls(wire)


async def slow_garbage(there, wire):
    """A space now and then is no progress."""
    await there.accept_tls(wire, OFFERS_DIALBACK)
    while True:
        wire.send(" ")
        await wire.drain()
        await asyncio.sleep(0.3)


async def nonsense(there, wire):
    wire.send(random.Random(5).randbytes(500) + b"<<<")
    await stalls(wire)


async def other_encoding(there, wire):
    wire.send(header("jabber:server", wire.domain, "").encode("utf-16"))
    await stalls(wire)


async def web_server(there, wire):
    wire.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await stalls(wire)


async def client_server(there, wire):
    await wire.header()
    wire.send(f"<stream:stream xmlns='jabber:client' xmlns:stream='{STREAM}' version='1.0' id='1' from='{wire.domain}'>"
              f"<stream:features><starttls xmlns='{TLS}'/></stream:features>")
    await stalls(wire)


async def nonsense_for_tls(there, wire):
    await there.answer(wire, f"<starttls xmlns='{TLS}'/>")
    await wire.until(f"{{{TLS}}}starttls")
    wire.send(f"<proceed xmlns='{TLS}'/>" + "thrown away: it is in the clear")
    await wire.reader.read(1)  # TLS has begun
    wire.send("not TLS at all" * 40)
    await stalls(wire)


async def endless_features(there, wire):
    await there.answer(wire, None)
    wire.send("<stream:features>")
    while True:
        wire.send("<feature xmlns='urn:example:feature'/>" * 1000)
        await wire.drain()


async def hangs_up(there, wire):
    await wire.header()
    wire.abort()


# Behaviour of a server that is called, and what the operator reads of it.
CALLED = {
    mute: "no stream header came in time", no_features: "no stream features came in time",
    no_proceed: "no answer to STARTTLS came in time", no_handshake: "TLS handshake.*in time",
    no_header_in_tls: "no stream header came in time", no_success: "no end of authentication came in time",
    no_header_after_success: "no stream header came in time", no_answer_of_dialback: "no answer to the dialback key came in time",
    slow_garbage: "no answer to the dialback key came in time", nonsense: "not-well-formed", other_encoding: "unsupported-encoding.*0xFF", web_server: "not-well-formed.*'H'",
    client_server: "jabber:server", nonsense_for_tls: "speaks no TLS", endless_features: "limit is 16384",
    hangs_up: "closed by the peer|reset",
}


@scenario(VICTIM, limit=240)
async def called(world, people, here, there):
    """Servers that stall in each phase or talk nonsense: who wrote is told, the operator reads the true reason."""
    ann = await people.come("ann", here.domain())
    names = {}
    for behave in CALLED:
        names[await there.open(lambda wire, b=behave: b(there, wire))] = behave
    for name in names:
        ann.chat(f"x@{name}", "anybody there?")
    told = {}
    while len(told) < len(names):
        m = await asyncio.wait_for(ann.messages.get(), 120)
        told[m["from"].domain] = (m["error"]["condition"], m["error"]["text"])
    wrong = []
    for name, behave in names.items():
        condition, text = told[name]
        status = await here.cli("s2s", "status", name)
        if condition != "remote-server-timeout" or not re.search(CALLED[behave], text, re.I):
            wrong.append(f"{behave.__name__}: {condition}: {text}")
        elif not re.search(CALLED[behave], status, re.I):
            wrong.append(f"{behave.__name__}: status tells {status}")
        logging.info("%s: %s", behave.__name__, text)
    assert not wrong, "\n".join(wrong)
    return f"{len(CALLED)} ways"


async def open_only(there, here):
    return await there.connect(here)


async def header_only(there, here):
    wire = await there.connect(here)
    wire.send(header("jabber:server", here.domain(), "evil.test"))
    return wire


async def half_a_header(there, here):
    wire = await there.connect(here)
    wire.send("<?xml version='1.0'?><stream:stream xmlns='jabber:server' to='")
    return wire


async def starttls_only(there, here):
    wire = await header_only(there, here)
    await wire.header()
    wire.send(f"<starttls xmlns='{TLS}'/>")
    await wire.until(f"{{{TLS}}}proceed")
    return wire


async def half_a_handshake(there, here):
    wire = await starttls_only(there, here)
    wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01")
    return wire


async def tls_only(there, here):
    wire = await there.call(here)
    return wire


async def spaces(there, here):
    wire = await there.call(here)

    async def send():
        while not wire.writer.is_closing():
            wire.send(" ")
            await asyncio.sleep(0.3)
    asyncio.ensure_future(send())
    return wire


async def half_a_stanza(there, here):
    wire = await there.call(here)
    wire.send(f"<db:result from='evil.test' to='{here.domain()}'>0123")
    return wire


CALLING = (open_only, header_only, half_a_header, starttls_only, half_a_handshake, tls_only, spaces, half_a_stanza)


@scenario(VICTIM)
async def calling(world, people, here, there):
    """Peers that connect and stall in each phase are gone soon, with connection-timeout where there is a stream."""
    wires = {c: await c(there, here) for c in CALLING}
    errors = dict(zip(wires, await asyncio.gather(*(stream_error(w) for w in wires.values()), return_exceptions=True)))
    for c, got in errors.items():
        assert not isinstance(got, BaseException), f"{c.__name__}: {got!r}"
        want = ("",) if c in (starttls_only, half_a_handshake) else ("connection-timeout",)
        assert got in want, f"{c.__name__}: {got or 'no error'} instead of {want}"


# ---------------------------------------------------------------------------------------- nonsense

HEAD = "<stream:stream xmlns='jabber:server' xmlns:stream='{stream}' from='evil.test' to='{to}' version='1.0'>"
NONSENSE = {  # what is sent first, and what the stream ends with
    "HTTP": ("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "not-well-formed"),
    "bytes": (b"\xff\xfe\x00\x01\x02\x80" * 100, "not-well-formed|bad-format|unsupported-encoding"),
    "another root": ("<html xmlns='http://www.w3.org/1999/xhtml'>", "bad-format|invalid-namespace|not-well-formed"),
    "namespace of clients": (HEAD.replace("jabber:server", "jabber:client"), "invalid-namespace"),
    "namespace of nobody": (HEAD.replace("etherx", "aetherx").replace("{stream}", "urn:x"), "invalid-namespace"),
    "not our domain": (HEAD.replace("{to}", "elsewhere.test"), "host-unknown"),
    "not a domain": (HEAD.replace("{to}", "a b@c/d"), "host-unknown|improper-addressing"),
    "document type": ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>" + HEAD, "restricted-xml|not-well-formed"),
    "comment": (HEAD + "<!-- a -->", "restricted-xml"),
    "entity": (HEAD + "<a xmlns='urn:x'>&lol;</a>", "restricted-xml|not-well-formed"),
    "unbalanced": (HEAD + "<a xmlns='urn:x'></b>", "not-well-formed"),
    "large header": (HEAD.replace("from=", "x='" + "a" * 200_000 + "' from="), "policy-violation"),
    "large element": (HEAD + "<a xmlns='urn:x' x='" + "a" * 200_000 + "'/>", "policy-violation"),
    "deep element": (HEAD + "<a xmlns='urn:x'>" * 10_000, "policy-violation|not-well-formed"),
    "SASL in the clear": (HEAD + f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>", "policy-violation|not-authorized"),
    "unknown element": (HEAD + "<a xmlns='urn:x'/>", "unsupported-stanza-type|not-authorized|policy-violation"),
}


@scenario(VICTIM)
async def nonsense_first(world, people, here, there):
    """Each kind of nonsense ends the stream with the error that RFC 6120 §4.9.3 names, and ends nothing else."""
    ann = await people.come("ann", here.domain())
    wrong = []
    for what, (text, wanted) in NONSENSE.items():
        wire = await there.connect(here)
        wire.send(text if isinstance(text, bytes) else text.replace("{to}", here.domain()).replace("{stream}", STREAM))
        got = await stream_error(wire)
        if got not in wanted.split("|"):
            wrong.append(f"{what}: {got or 'no error'} instead of {wanted}")
    assert not wrong, "; ".join(wrong)
    await ann.synced()


NONSENSE_LATER = {  # the same on a stream that is proved
    "unknown element": ("<a xmlns='urn:x'/>", "unsupported-stanza-type"),
    "no namespace prefix": ("<x:a/>", "not-well-formed"),
    "bad UTF-8": (b"<message to='x@d.test' from='evil.test'><body>\xc3\x28</body></message>", "not-well-formed|bad-format|unsupported-encoding"),
    "control character": ("<message to='x@d.test' from='evil.test'><body>\x01</body></message>", "not-well-formed"),
    "large stanza": ("<message to='x@d.test' from='evil.test'><body>" + "a" * 3_000_000 + "</body></message>", "policy-violation"),
}


@scenario(VICTIM)
async def nonsense_later(world, people, here, there):
    ann = await people.come("ann", here.domain())
    wrong = []
    for what, (text, wanted) in NONSENSE_LATER.items():
        wire = await there.authenticated(here)
        wire.send(text)
        got = await stream_error(wire)
        # The error is lost when the server closes while the peer still writes.
        if got not in wanted.split("|") and not (what == "large stanza" and got == ""):
            wrong.append(f"{what}: {got or 'no error'} instead of {wanted}")
    assert not wrong, "; ".join(wrong)
    await ann.synced()


# ------------------------------------------------------------------------------------------- floods

async def normal_life(ann, amy, until):
    """Two users write to each other; returns the longest time that a message took."""
    longest = 0
    while not until.done():
        begin = time.monotonic()
        ann.chat(amy.bare, "how are you?")
        await amy.message()
        longest = max(longest, time.monotonic() - begin)
        await asyncio.sleep(0.02)
    until.result()
    return longest


async def beside(people, here, flood):
    """Runs a flood beside two users; returns the longest time of a message and how much memory grew."""
    ann, amy = await people.come("ann", here.domain()), await people.come("amy", here.domain())
    before, peak = resident(here.process.pid), 0
    task = asyncio.ensure_future(flood)

    async def watch():
        nonlocal peak
        while not task.done():
            peak = max(peak, resident(here.process.pid))
            await asyncio.sleep(0.1)
    longest, _ = await asyncio.gather(normal_life(ann, amy, task), watch())
    grown = (peak - before) / 1e6
    assert longest < 20, f"a message between others took {longest:.1f} s"
    assert grown < 200, f"memory grew by {grown:.0f} MB"
    return f"{longest * 1000:.0f} ms for others at most, memory grew by {grown:.0f} MB"


@scenario(VICTIM)
async def flood_of_stanzas(world, people, here, there):
    """30,000 messages to users who do not exist, from a peer that reads none of the errors."""
    async def flood():
        wire = await there.authenticated(here)
        wire.writer.transport.pause_reading()
        text = "".join(message("ben@evil.test", f"nobody{i}@{here.domain()}", "x" * 300) for i in range(100))
        try:
            for _ in range(300):
                wire.send(text)
                await asyncio.wait_for(wire.writer.drain(), 30)
        except (ConnectionError, asyncio.TimeoutError):
            pass  # closed, or no longer read: both keep it from harm
        wire.abort()
    return await beside(people, here, flood())


@scenario(VICTIM)
async def flood_of_connections(world, people, here, there):
    """300 connections that say nothing, and 100 that begin TLS; all are gone soon."""
    async def flood():
        wires = [await there.connect(here) for _ in range(300)]
        wires += await asyncio.gather(*(starttls_only(there, here) for _ in range(100)))
        await asyncio.gather(*(w.ended(PATIENCE) for w in wires))
    return await beside(people, here, flood())


@scenario(VICTIM)
async def flood_of_domains(world, people, here, there):
    """One peer that wants to speak for 500 domains, each of which would have to be asked."""
    async def flood():
        wire = await there.call(here, certificate=False)
        for i in range(500):
            wire.send(db_result(f"n{i}.nowhere.test", here.domain()))
        answers = 0
        try:
            while answers < 500:
                e = await wire.until(f"{{{DIALBACK}}}result")
                assert e.get("type") in ("error", "invalid"), e.attrib
                answers += 1
        except (Ended, ConnectionError):
            pass  # a bound of the stream
        wire.abort()
    return await beside(people, here, flood())


@scenario(VICTIM)
async def slow_reader(world, people, here, there):
    """A server that takes messages and does not read: what is too much comes back, the rest waits."""
    proved = asyncio.Event()

    async def behave(wire):
        await there.accept_tls(wire, OFFERS_DIALBACK)
        await wire.until(f"{{{DIALBACK}}}result")
        wire.send(f"<db:result from='{wire.domain}' to='{here.domain()}' type='valid'/>")
        await wire.drain()
        wire.writer.transport.pause_reading()
        proved.set()
        await stalls(wire)
    name = await there.open(behave)
    ann = await people.come("ann", here.domain())

    async def flood():
        ann.chat(f"x@{name}", "first")
        await asyncio.wait_for(proved.wait(), PATIENCE)
        for i in range(100):
            for _ in range(20):
                ann.chat(f"x@{name}", "x" * 10_000)
            await ann.synced()
        await eventually(lambda: not ann.messages.empty(), "something comes back", PATIENCE)
        m = ann.messages.get_nowait()
        assert m["type"] == "error" and m["error"]["condition"] in ("resource-constraint", "remote-server-timeout"), m
    return await beside(people, here, flood())
