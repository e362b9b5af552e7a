#!/usr/bin/python3
"""slixmpp against the server named by the environment.

Usage: suite.py [NAME...]   prints one line for each test: "ok NAME" or "not ok NAME: why"

XYLEM_C2S, XYLEM_C2S_TLS: HOST:PORT with STARTTLS and with TLS at once.
XYLEM_CA: PEM file that the server's certificate is checked against.
Accounts alice, bob, carol and dave at localhost exist, all with the password
"secret".
"""

import asyncio
import logging
import os
import sys
import traceback

import slixmpp
from slixmpp.exceptions import IqError
from slixmpp.xmlstream import ET

LIMIT = 150  # seconds for one test: only one that hangs takes as long, also on a busy machine
WAIT = 60  # seconds for what must come
PASSWORD = "secret"


def address(variable):
    host, port = os.environ[variable].rsplit(":", 1)
    return host, int(port)


class Client(slixmpp.ClientXMPP):
    """A client that keeps what happens to it for a test to look at."""

    def __init__(self, jid, password=PASSWORD, mechanism=None, direct=False, unbound=False):
        super().__init__(jid, password, sasl_mech=mechanism)
        self.ca_certs = os.environ["XYLEM_CA"]
        self.direct = direct
        if unbound:
            self["feature_mechanisms"].sasl_callback = self._unbound_credentials
        self.messages = asyncio.Queue()
        self.connections = 0
        self.errors = []
        self.state = asyncio.Queue()
        self.add_event_handler("connected", self._connected)
        self.add_event_handler("session_start", lambda _: self.state.put_nowait("started"))
        self.add_event_handler("failed_all_auth", lambda _: self.state.put_nowait("refused"))
        self.add_event_handler("disconnected", lambda _: self.state.put_nowait("disconnected"))
        self.add_event_handler("stream_error", self._stream_error)
        self.add_event_handler("message", self._message)
        self.add_event_handler("message_error", self.messages.put_nowait)

    def _unbound_credentials(self, required, optional):
        """Knows of no channel binding: the "n" flag of RFC 5802 §6."""
        values = self["feature_mechanisms"]._default_credentials(required, optional)
        values.pop("channel_binding", None)
        return values

    def offers_binding(self):
        return any(name.endswith("-PLUS") for name in self["feature_mechanisms"].mech_list)

    def _message(self, message):
        # What was stored while nobody was there belongs to a test before this one.
        if message.xml.find("{urn:xmpp:delay}delay") is None:
            self.messages.put_nowait(message)

    def _connected(self, _):
        self.connections += 1

    def _stream_error(self, error):
        self.errors.append(error["condition"])
        self.state.put_nowait("stream error")

    def start(self):
        self.connect(address("XYLEM_C2S_TLS" if self.direct else "XYLEM_C2S"), use_ssl=self.direct)

    async def login(self):
        """Logs in and says that it is there."""
        self.start()
        state = await self.state.get()
        assert state == "started", f"{self.requested_jid}: {state} {self.errors}"
        self.send_presence()
        return self

    async def logout(self):
        self.disconnect(wait=1)
        await asyncio.wait_for(self.disconnected, WAIT)

    def used_mechanism(self):
        return self["feature_mechanisms"].mech.name


async def login_all(*clients):
    return await asyncio.gather(*(c.login() for c in clients))


async def logout_all(*clients):
    await asyncio.gather(*(c.logout() for c in clients))


async def fails(awaitable, *conditions):
    """Expects an IQ to come back with one of the conditions."""
    try:
        answer = await awaitable
    except IqError as e:
        assert e.condition in conditions, f"{e.condition}, expected one of {conditions}"
        return
    raise AssertionError(f"no error but {answer}")


def login_test(direct, mechanism):
    async def test():
        client = await Client("alice@localhost", mechanism=mechanism, direct=direct, unbound=mechanism is not None).login()
        used = client.used_mechanism()
        assert mechanism in (None, used), f"{used} was used"
        assert client.boundjid.bare == "alice@localhost" and client.boundjid.resource, client.boundjid
        assert client.socket.version() in ("TLSv1.2", "TLSv1.3"), client.socket.version()
        await client.logout()
        return used
    return test


async def binding_ignored():
    """Left to itself slixmpp 1.8 claims that no -PLUS mechanism was offered.

    It says so ("y") on TLS 1.3 although one was: it knows tls-unique only.
    RFC 5802 §6 has the server take that for a tampered list and refuse.
    """
    client = Client("alice@localhost", mechanism="SCRAM-SHA-256")
    client.start()
    state = await client.state.get()
    if client.offers_binding():
        assert state == "refused", state
        return "refused, -PLUS was offered"
    assert state in ("started", "refused"), state
    return "no -PLUS is offered"


async def wrong_password():
    client = Client("alice@localhost", password="guess")
    client.start()
    # The server may lose its patience before slixmpp has tried each mechanism.
    state = await client.state.get()
    assert state == "refused" or client.errors == ["policy-violation"], (state, client.errors)
    while state != "disconnected":
        state = await client.state.get()
    # A storm would follow at once; its first connections come before this one.
    other = await Client("bob@localhost").login()
    await other.logout()
    assert client.connections == 1, f"{client.connections} connections"


async def unknown_user():
    client = Client("nobody-knows@localhost", password="guess")
    client.start()
    state = await client.state.get()
    assert state == "refused" or client.errors == ["policy-violation"], (state, client.errors)


async def chat():
    """200 messages each way to full JIDs, then to bare ones, all in order."""
    alice, bob = await login_all(Client("alice@localhost/phone"), Client("bob@localhost/desk", direct=True))
    for to_alice, to_bob in ((alice.boundjid.full, bob.boundjid.full), (alice.boundjid.bare, bob.boundjid.bare)):
        # Both are there for bare JIDs when they have heard of their own presence.
        await asyncio.gather(available(alice), available(bob))
        for i in range(200):
            alice.send_message(mto=to_bob, mbody=f"from alice {i}", mtype="chat")
            bob.send_message(mto=to_alice, mbody=f"from bob {i}", mtype="chat")
        for i in range(200):
            for receiver, sender, name in ((bob, alice, "alice"), (alice, bob, "bob")):
                message = await receiver.messages.get()
                assert message["body"] == f"from {name} {i}", f"{message['body']} instead of {i}"
                assert message["from"] == sender.boundjid, message["from"]
    await logout_all(alice, bob)


async def available(client):
    """Waits until the server has handled what the client sent."""
    await fails(unknown_iq(client), "service-unavailable", "feature-not-implemented")


def unknown_iq(client, to=None):
    iq = client.make_iq_get(ito=to)
    iq.append(ET.Element("{urn:xylem:test:unknown}query"))
    return iq.send(timeout=WAIT)


async def iq_unknown():
    """RFC 6120 §8.4: an IQ that nobody understands is answered."""
    alice = await Client("alice@localhost").login()
    for to in (None, "localhost", "alice@localhost"):
        await fails(unknown_iq(alice, to), "service-unavailable", "feature-not-implemented")
    await alice.logout()


async def iq_between_clients():
    alice, bob = await login_all(Client("alice@localhost"), Client("bob@localhost"))
    bob.register_plugin("xep_0199")
    alice.register_plugin("xep_0199")
    rtt = await alice["xep_0199"].ping(jid=bob.boundjid.full, timeout=WAIT)
    assert rtt >= 0
    # Not understood by the other client: its error comes through.
    await fails(unknown_iq(alice, bob.boundjid.full), "service-unavailable", "feature-not-implemented")
    await logout_all(alice, bob)


async def nobody_there():
    """RFC 6121 §8.5: what cannot be delivered is answered with an error."""
    alice = await Client("alice@localhost").login()
    for to in ("dave@localhost/nowhere", "unknown-user@localhost"):
        await fails(unknown_iq(alice, to), "service-unavailable")
    alice.send_message(mto="unknown-user@localhost", mbody="Anyone?", mtype="chat")
    error = await alice.messages.get()
    assert error["type"] == "error", error
    assert error["error"]["condition"] in ("service-unavailable", "item-not-found"), error
    assert error["from"] == "unknown-user@localhost", error
    await alice.logout()


async def other_resource():
    """RFC 6121 §8.5.3.2.1: chat to a resource that is gone reaches the account."""
    alice, bob = await login_all(Client("alice@localhost"), Client("bob@localhost/here"))
    await available(bob)
    alice.send_message(mto="bob@localhost/gone", mbody="Still there?", mtype="chat")
    message = await bob.messages.get()
    assert message["body"] == "Still there?", message
    await logout_all(alice, bob)


async def conflict():
    """A second session of the same name wins, the old one is told."""
    old = await Client("alice@localhost/same").login()
    old.auto_reconnect = False
    new = await Client("alice@localhost/same").login()
    assert new.boundjid.resource == "same", new.boundjid
    state = await old.state.get()
    assert state == "stream error" and old.errors == ["conflict"], (state, old.errors)
    await available(new)
    await new.logout()


BODIES = (
    "Привет, мир! Ёжик",
    "🌍🧑‍🚀👩‍👩‍👧‍👦 e\u0301 \u200f\u05e9\u05dc\u05d5\u05dd",
    "<b>&amp; \"quoted\" 'too' ]]> <![CDATA[no]]> &#x41;</b>",
    "line\nbreaks\tand  spaces ",
)


async def bodies():
    """Text arrives equal, character for character."""
    alice, bob = await login_all(Client("alice@localhost"), Client("bob@localhost"))
    for body in BODIES:
        alice.send_message(mto=bob.boundjid.full, mbody=body, mtype="chat")
        message = await bob.messages.get()
        assert message.xml.findtext("{jabber:client}body") == body, repr(message["body"])
    await logout_all(alice, bob)


async def large():
    """200 KB go through; more than the limit ends the sender's stream only."""
    alice, bob = await login_all(Client("alice@localhost"), Client("bob@localhost"))
    body = "Ы" * 100_000
    alice.send_message(mto=bob.boundjid.full, mbody=body, mtype="chat")
    message = await bob.messages.get()
    assert message["body"] == body, len(message["body"])
    alice.auto_reconnect = False
    alice.send_message(mto=bob.boundjid.full, mbody="x" * 2_000_000, mtype="chat")
    state = await alice.state.get()
    # The error is lost if the sender is still writing when the server closes.
    assert state == "disconnected" or alice.errors == ["policy-violation"], (state, alice.errors)
    await available(bob)
    assert bob.messages.empty()
    await bob.logout()


async def reconnect():
    """Logging in and out many times leaves nothing behind."""
    for i in range(20):
        client = await Client("alice@localhost/again", direct=i % 2 == 1).login()
        await client.logout()


TESTS = {
    "login-default-starttls": login_test(False, None),
    "login-default-direct": login_test(True, None),
    "login-scram-sha-1-starttls": login_test(False, "SCRAM-SHA-1"),
    "login-scram-sha-1-direct": login_test(True, "SCRAM-SHA-1"),
    "login-scram-sha-256-starttls": login_test(False, "SCRAM-SHA-256"),
    "login-scram-sha-256-direct": login_test(True, "SCRAM-SHA-256"),
    "login-plain-starttls": login_test(False, "PLAIN"),
    "login-plain-direct": login_test(True, "PLAIN"),
    "binding-ignored": binding_ignored,
    "wrong-password": wrong_password,
    "unknown-user": unknown_user,
    "chat": chat,
    "iq-unknown": iq_unknown,
    "iq-between-clients": iq_between_clients,
    "nobody-there": nobody_there,
    "other-resource": other_resource,
    "conflict": conflict,
    "bodies": bodies,
    "large": large,
    "reconnect": reconnect,
}


def end_tasks(loop):
    """slixmpp leaves tasks behind; they must not reach into the next test."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


def main(names, tests):
    logging.basicConfig(level=logging.CRITICAL)
    failed = False
    for name in names or tests:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            note = loop.run_until_complete(asyncio.wait_for(tests[name](), LIMIT))
            print(f"ok {name}" + (f" # {note}" if note else ""), flush=True)
        except Exception as e:
            failed = True
            own = [f for f in traceback.extract_tb(e.__traceback__) if os.path.dirname(f.filename) == os.path.dirname(__file__)]
            places = " < ".join(f"{os.path.basename(f.filename)}:{f.lineno}" for f in reversed(own[1:]))
            print(f"not ok {name}: {type(e).__name__}: {e} ({places})", flush=True)
        finally:
            end_tasks(loop)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], TESTS))
