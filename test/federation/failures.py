"""What happens when the other side cannot be reached or trusted: who wrote is told why, and so is the operator."""

import asyncio
import re
import signal

from domains import MANY
from people import WAIT
from process import eventually, resident
from scenario import LIMIT, PEERS, XYLEM, scenario
from scenarios import DIALLED, GONE, befriend, talk

TIMEOUT, NOT_FOUND = "remote-server-timeout", "remote-server-not-found"  # RFC 6120 §8.3.3.16 and .17
UNREACHABLE = (TIMEOUT, NOT_FOUND)
RETURNED = UNREACHABLE + ("recipient-unavailable",)  # Prosody says that of what was not acknowledged
ALONE = (("a", "a"),)


async def explained(server, domain, *words):
    """What xylem tells its operator of a domain has each of the words (regular expressions)."""
    for command, exit_code in (("status", 0), ("check", 1)):
        text = await server.cli("s2s", command, domain, status=exit_code)
        for w in words:
            assert re.search(w, text, re.I | re.S), f"xylem s2s {command} {domain} does not tell {w}:\n{text}"
    return text


async def bounced(person, domain, *conditions, seconds=WAIT):
    """A message to a domain comes back; returns the reason in words."""
    condition, text = await person.refused(f"somebody@{domain}", seconds)
    assert condition in conditions, f"{condition} ({text}) instead of {' or '.join(conditions)}"
    assert text, f"{condition} without a reason"
    return text


@scenario(ALONE)
async def no_service(world, people, here, there):
    """SRV says "." (RFC 6120 §3.2.1): there is no federation, and no use in trying."""
    ann = await people.come("ann", here.domain())
    await bounced(ann, "noservice.test", NOT_FOUND)
    await explained(here, "noservice.test", "no service to other servers")


@scenario(ALONE)
async def no_such_domain(world, people, here, there):
    ann = await people.come("ann", here.domain())
    text = await bounced(ann, "nowhere.test", NOT_FOUND)
    await explained(here, "nowhere.test", "does not exist|no such|no address|NXDOMAIN")
    return text


@scenario(ALONE)
async def connection_refused(world, people, here, there):
    ann = await people.come("ann", here.domain())
    text = await bounced(ann, "down.test", TIMEOUT)
    assert "refused" in text, text
    await explained(here, "down.test", "refused", re.escape(world.network.address("empty")))


@scenario(ALONE, limit=LIMIT + 1)  # begins first: it waits for what is configured nowhere
async def name_server_down(world, people, here, there):
    """The name servers of the domain do not answer: that may be over soon, so it is no "not found"."""
    ann = await people.come("ann", here.domain())
    text = await bounced(ann, "lame.test", TIMEOUT, seconds=150)
    await explained(here, "lame.test", "resolver|name server|DNS")
    return text


FAULTS = {"expired": "expired", "other": "not (valid )?for|is for|names", "selfsigned": "self-signed|unknown authority|no trusted|not trusted"}
STRICT = (("c", "prosody"), ("c", "ejabberd"), ("c", "b"))


async def certificate_fault(people, here, there, kind):
    """here wants certificates: it refuses the domain both ways, and both users are told."""
    ann, ben = await people.pair(here, there, "", kind)
    condition, text = await ann.refused(ben.bare)
    assert condition in UNREACHABLE, condition
    assert re.search(FAULTS[kind], text), f"the reason does not tell that the certificate is {kind}: {text}"
    await explained(here, there.domain(kind), FAULTS[kind])
    condition, other = await ben.refused(ann.bare)
    assert condition in UNREACHABLE, condition
    return text


@scenario(STRICT)
async def expired_certificate(world, people, here, there):
    return await certificate_fault(people, here, there, "expired")


@scenario(STRICT[:2])  # xylem does not start with a certificate of another name
async def wrong_certificate(world, people, here, there):
    return await certificate_fault(people, here, there, "other")


@scenario(STRICT)
async def selfsigned_certificate(world, people, here, there):
    return await certificate_fault(people, here, there, "selfsigned")


@scenario(STRICT + tuple((b, a) for a, b in STRICT))
async def certificate_only(world, people, here, there):
    """Where certificates are wanted good ones do, and dialback is not asked for."""
    ann, ben = await people.pair(here, there)
    await talk(ann, ben, 3)
    strict, other = (here, there) if here.name == "c" else (there, here)
    text = await strict.cli("s2s", "status", other.domain())
    assert "EXTERNAL" in text or "dialback with certificate" in text, text
    assert not re.search(r"dialback(?! with certificate)", text), text


@scenario(DIALLED)
async def dialback_only(world, people, here, there):
    """Where dialback is enough a certificate that proves nothing does no harm."""
    for kind in ("selfsigned", "expired", "other"):
        if kind in there.kinds:
            ann, ben = await people.pair(here, there, "", kind)
            await talk(ann, ben, 3)
            text = await here.cli("s2s", "status", there.domain(kind))
            assert "dialback" in text and re.search(FAULTS[kind], text), f"{kind}: {text}"


@scenario((("prosody", "a"), ("ejabberd", "a"), ("b", "a")))
async def dialback_to_us(world, people, here, there):
    """The same with the others in our place: they take our domain with a self-signed certificate."""
    ann, ben = await people.pair(here, there, "", "selfsigned")
    await talk(ann, ben, 3)


# ---------------------------------------------------------------------------- those that stop servers


async def stream_of_messages(sender, to, count, at, act):
    """Sends numbered messages, and calls act in the middle."""
    task = None
    for i in range(count):
        m = sender.make_message(mto=to, mbody=str(i), mtype="chat")
        m["id"] = str(i)  # errors may come back without the body
        m.send()
        if i == at:
            task = asyncio.ensure_future(act())
        if i % 10 == 9:
            await asyncio.sleep(0.02)  # so that some are sent in each moment of what act does
    await task


async def comes_through(person, domain, seconds=120):
    """Waits until requests to a domain are answered by it."""
    async def answered():
        try:
            await person.query(domain)
        except Exception as e:
            return getattr(e, "condition", "") not in UNREACHABLE + ("", "resource-constraint")
        return True
    await eventually(answered, f"{domain} answers {person.bare}", seconds, 0.25)


async def restart(people, here, there, how, count=400):
    """there is restarted while ann, here, writes to ben, whose messages are stored there. Returns what arrived and what came back."""
    ann, ben = await people.pair(here, there)
    await talk(ann, ben)
    await ben.logout()
    await comes_through(ann, there.domain())
    await stream_of_messages(ann, ben.bare, count, count // 4, lambda: there.restart(how))
    await comes_through(ann, there.domain())
    ann.chat(ben.bare, "last")
    await ann.query_ignored(there.domain())
    ben = await people.again(ben, "back")
    got = []
    while True:
        m = await ben.message()
        if m["body"] == "last":
            break
        if m["body"].isdigit():  # and not what was said before, which may be there twice, too
            got.append(int(m["body"]))
    returned = []
    await ann.synced()
    while not ann.messages.empty():
        m = ann.messages.get_nowait()
        assert m["type"] == "error" and m["error"]["condition"] in RETURNED, m
        returned.append(int(m["id"]))
    return got, returned


def whole(got, returned, count=400):
    """Nothing is lost, twice there or out of order."""
    assert got == sorted(got), f"out of order: {disorder(got)}"
    twice = sorted({n for n in got if got.count(n) > 1} | set(got) & set(returned))
    assert not twice, f"twice: {twice}"
    lost = sorted(set(range(count)) - set(got) - set(returned))
    assert not lost, f"{len(lost)} lost: {lost[:20]}"
    return f"{len(got)} arrived, {len(returned)} came back"


def kept(got, returned, count=400):
    """Nothing is lost, and what arrived first did so in order. What was not acknowledged may be there twice."""
    lost = sorted(set(range(count)) - set(got) - set(returned))
    assert not lost, f"{len(lost)} lost: {lost[:20]}"
    first = sorted(set(got), key=got.index)
    assert first == sorted(first), f"out of order: {disorder(first)}"
    return f"{len(got)} arrived, {len(got) - len(first)} of them twice, {len(returned)} came back"


def disorder(numbers):
    return [(a, b) for a, b in zip(numbers, numbers[1:]) if b < a][:5]


@scenario(XYLEM + PEERS, alone=True)
async def restart_in_mid_stream(world, people, here, there):
    """The far side ends in order and comes back: nothing is lost, and the order is kept."""
    got, returned = await restart(people, here, there, signal.SIGTERM)
    if here.acknowledges and there.is_xylem:
        return whole(got, returned)
    if here.acknowledges and there.acknowledges:
        return kept(got, returned)  # Prosody ends without a last acknowledgement
    assert got == sorted(set(got)), f"out of order or twice: {got}"
    lost = sorted(set(range(400)) - set(got) - set(returned))
    return f"{len(got)} arrived, {len(returned)} came back, {len(lost)} lost without acknowledgements"


@scenario((("a", "b"), ("a", "prosody"), ("prosody", "b")), alone=True)
async def killed_in_mid_stream(world, people, here, there):
    """The far side ends by SIGKILL: nothing is lost. What it had stored and not acknowledged may be there twice."""
    return kept(*await restart(people, here, there, signal.SIGKILL))


@scenario(DIALLED + PEERS, alone=True)
async def down_and_back(world, people, here, there):
    """The far side is away: who writes is told why. It comes back: all is as it was, presence too."""
    ann, ben = await people.pair(here, there)
    await befriend(ann, ben)
    await there.stop()
    condition, text = await ann.refused(ben.bare)
    if here.is_xylem:
        assert condition == TIMEOUT and "refused" in text, f"{condition}: {text}"
        await explained(here, there.domain(), "refused")
    await there.start()
    await comes_through(ann, there.domain())
    ben = await people.again(ben, "back")
    await ann.hears_sometime("available", ben.boundjid.full)
    await talk(ann, ben, 3)
    return text


@scenario((("a", "n"),), alone=True)
async def two_thousand_domains(world, people, here, there):
    """As many remote domains at once, a stream for each; what that costs in memory."""
    ann = await people.come("ann", here.domain())
    before = [resident(s.process.pid) for s in (here, there)]
    for name in MANY:
        ann.chat(f"nobody@{name}", "is anybody there?")
    left = set(MANY)
    while left:
        m = await ann.message()
        assert m["type"] == "error" and m["error"]["condition"] in GONE, m
        left.remove(m["from"].domain)
    text = await here.cli("s2s", "status", status=0)
    connected = len(re.findall(r"many\.test +connected", text))
    assert connected == len(MANY), f"{connected} of {len(MANY)} are connected"
    grown = [resident(s.process.pid) - b for s, b in zip((here, there), before)]
    each = [g / len(MANY) / 1024 for g in grown]
    assert max(each) < 100, f"{each} KiB for each domain"
    return f"{each[0]:.0f} KiB for each domain on the side that called, {each[1]:.0f} on the other"


@scenario((("a", "b"), ("a", "prosody")), alone=True)
async def cable_pulled(world, people, here, there):
    """The way between both swallows everything for two seconds: nothing is lost, twice there, or out of order."""
    if not world.network.isolated:
        return "there is no cable here"
    ann, ben = await people.pair(here, there)
    await talk(ann, ben)

    async def pull():
        world.network.cut(there.name)
        await asyncio.sleep(2)
        world.network.mend(there.name)
    await stream_of_messages(ann, ben.bare, 200, 50, pull)
    ann.chat(ben.bare, "last")
    got = []
    while (m := await ben.message())["body"] != "last":
        got.append(int(m["body"]))
    return whole(got, [], 200)
