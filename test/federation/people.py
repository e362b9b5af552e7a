"""Users of the servers: slixmpp, as in the suites of test/clients."""

import asyncio
import itertools
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients", "slixmpp"))
os.environ.setdefault("XYLEM_CA", "")

import im  # noqa: E402
import wire  # noqa: E402
from domains import C2S, server_of  # noqa: E402
from slixmpp.exceptions import IqError  # noqa: E402
from slixmpp.xmlstream import ET  # noqa: E402

WAIT = 90  # seconds for what must come
im.WAIT = WAIT
numbers = itertools.count(1)
CARBONS = "urn:xmpp:carbons:2"
UNKNOWN = "{urn:xylem:test:unknown}query"


class Person(im.Person):
    """A client at one of the servers."""

    def __init__(self, world, jid, resource):
        super().__init__(jid, resource, mechanism="PLAIN")  # SCRAM in Python takes long; the suites of clients have it
        self.world, self.home = world, world.servers[server_of(jid)]
        self.bare = jid

    async def hears(self, kind, sender, among=(), **want):
        """The next presence, which must be this one; want names what is in it.

        Allowed before it: presence of senders in among; the word of a server that nobody is there, an answer to a
        probe which some send unasked (RFC 6121 §4.3.2); availability of contacts again, which some send twice.
        """
        while True:
            p = await asyncio.wait_for(self.presences.get(), WAIT)
            got, who = p.xml.get("type") or "available", str(p["from"])
            if (got, who) == (kind, str(sender)) and all(p[k] == v for k, v in want.items()):
                return p
            assert who in among or harmless(p, self.requested_jid), f"{self.bare}: {p} instead of {kind} of {sender} {want or ''}"

    async def pushed_any(self):
        """The item of the next roster push."""
        iq = await asyncio.wait_for(self.pushes.get(), WAIT)
        return iq.xml.find(f"{{{im.ROSTER}}}query/{{{im.ROSTER}}}item")

    def start(self):
        self.connect((self.home.address, C2S))

    def get_ssl_context(self):
        """The certificates of some domains are wrong on purpose; that is for other servers to find out."""
        return wire.unverified()

    async def synced(self):
        """The server has dealt with all that was sent before."""
        await self.query_ignored(self.requested_jid.domain)

    async def query_ignored(self, to):
        """Another server has dealt with all that was sent there before."""
        try:
            await self.query(to)
        except IqError:
            pass

    async def hears_all(self, *wanted):
        """The next presences, which must be these (kind, sender) in whatever order, as for hears."""
        left = [(kind, str(sender)) for kind, sender in wanted]
        while left:
            p = await asyncio.wait_for(self.presences.get(), WAIT)
            got = (p.xml.get("type") or "available", str(p["from"]))
            if got in left:
                left.remove(got)
            else:
                assert harmless(p, self.requested_jid), f"{self.bare}: {p} instead of one of {left}"

    async def hears_sometime(self, kind, sender):
        """This presence comes, among others."""
        while True:
            p = await asyncio.wait_for(self.presences.get(), WAIT)
            if (p.xml.get("type") or "available", str(p["from"])) == (kind, str(sender)):
                return p

    async def hears_no_more(self):
        """No presence has come, as for hears."""
        await self.synced()
        while not self.presences.empty():
            p = self.presences.get_nowait()
            assert harmless(p, self.requested_jid), f"{self.bare} got {p}"

    async def query(self, to):
        """Asks what nobody understands; raises IqError with the answer."""
        iq = self.make_iq_get(ito=to)
        iq.append(ET.Element(UNKNOWN))
        return await iq.send(timeout=WAIT)

    async def hear_error(self, of, seconds=WAIT):
        """The next message, which must be an error that comes from the address; returns condition and text."""
        m = await asyncio.wait_for(self.messages.get(), seconds)
        assert m["type"] == "error", f"{self.bare} got no error but {m}"
        assert str(m["from"]) == str(of), f"an error of {m['from']} instead of {of}: {m}"
        return m["error"]["condition"], m["error"]["text"]

    async def refused(self, to, seconds=WAIT):
        """Sends a message that must come back; returns condition and text."""
        self.chat(to, "does this arrive?")
        return await self.hear_error(to, seconds)


def harmless(presence, own):
    """Presence that may come at any time: see Person.hears."""
    kind, sender = presence.xml.get("type"), presence["from"]
    return kind == "unavailable" and not sender.resource or kind is None and sender.bare != own.bare


class People:
    """Those of one scenario, who leave at its end."""

    def __init__(self, world):
        self.world, self.all = world, []

    def address(self, name, domain):
        """An account that nobody has had before."""
        return f"{name}{next(numbers)}@{domain}"

    async def come(self, name, domain, resource="one", **how):
        """A new user who logs in and is available."""
        async def come():
            person = Person(self.world, self.address(name, domain), resource)
            self.all.append(person)
            await wire.register(person.home.address, C2S, person.bare, person.password)
            return await person.come(**how)
        return await wire.patiently(come, AssertionError)

    async def pair(self, here, there, here_kind="", there_kind=""):
        """Ann at one server and Ben at the other."""
        return await asyncio.gather(self.come("ann", here.domain(here_kind)), self.come("ben", there.domain(there_kind)))

    async def again(self, other, resource="two", **how):
        """One more session, or a later one, of somebody."""
        person = Person(self.world, other.bare, resource)
        self.all.append(person)
        return await person.come(**how)

    async def leave(self):
        for person in self.all:
            person.abort()
        await asyncio.sleep(0)


async def fails(awaitable, sender, *conditions):
    """Expects an IQ to come back from the sender with one of the conditions."""
    try:
        answer = await awaitable
    except IqError as e:
        assert e.condition in conditions, f"{e.condition}, expected one of {conditions}: {e.iq}"
        assert str(e.iq["from"]) == str(sender), f"an error of {e.iq['from']} instead of {sender}"
        return
    raise AssertionError(f"no error but {answer}")
