// @xmpp/client against the server named by the environment.
//
// Usage: node suite.mjs [NAME...]   one line for each test: "ok NAME" or "not ok NAME: why"
//
// XYLEM_C2S, XYLEM_C2S_TLS: HOST:PORT with STARTTLS and with TLS at once. The
// certificate is checked: NODE_EXTRA_CA_CERTS names what it is checked against.
// Node.js 18 needs --experimental-global-webcrypto.
// XYLEM_USER_ADD: command that makes the account in its last argument, password on standard input.

import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import path from "node:path";

// Installed outside of the work tree, see ../run.
const require = createRequire(path.join(process.env.XYLEM_NODE_MODULES ?? process.cwd(), "x"));
const { client, xml } = require("@xmpp/client");

const LIMIT = 120_000; // ms for one test
const password = "secret";

// Direct TLS checks the name that it connects to; --dns-result-order=ipv4first
// makes it the loopback address that the server listens on.
function service(direct) {
  return direct
    ? `xmpps://localhost:${process.env.XYLEM_C2S_TLS.split(":").pop()}`
    : `xmpp://${process.env.XYLEM_C2S}`;
}

class Peer {
  constructor(username, { direct = false, resource, secret = password, userAgent } = {}) {
    this.xmpp = client({ service: service(direct), domain: "localhost", resource, username, password: secret, userAgent });
    this.xmpp.reconnect.stop();
    this.errors = [];
    this.queue = [];
    this.waiting = [];
    this.xmpp.on("error", (e) => this.errors.push(e));
    this.xmpp.on("stanza", (s) => {
      // What a session before this one left unacknowledged may come again.
      if (!s.is("message") || s.getChild("delay", "urn:xmpp:delay")) return;
      const taker = this.waiting.shift();
      if (taker) taker(s);
      else this.queue.push(s);
    });
  }

  async start() {
    this.jid = await this.xmpp.start();
    await this.xmpp.send(xml("presence"));
    return this;
  }

  stop() {
    return this.xmpp.stop();
  }

  message() {
    return this.queue.length
      ? Promise.resolve(this.queue.shift())
      : new Promise((resolve) => this.waiting.push(resolve));
  }

  say(to, body) {
    return this.xmpp.send(xml("message", { to: String(to), type: "chat" }, xml("body", {}, body)));
  }
}

function equal(got, want, what) {
  if (got !== want) throw new Error(`${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(want)}`);
}

async function condition(promise) {
  try {
    await promise;
  } catch (e) {
    return e.condition ?? String(e);
  }
  return "no error";
}

// installation names a client that is installed somewhere (XEP-0388 §2.3).
function installation() {
  return xml("user-agent", { id: randomUUID() }, xml("software", {}, "suite"));
}

async function login(direct) {
  const alice = await new Peer("alice", { direct }).start();
  equal(alice.jid.bare().toString(), "alice@localhost", "address");
  await alice.stop();
}

async function chat(aliceDirect, bobDirect) {
  const alice = await new Peer("alice", { direct: aliceDirect }).start();
  const bob = await new Peer("bob", { direct: bobDirect, resource: "desk" }).start();
  equal(bob.jid.resource.split("/")[0], "desk", "resource"); // by Bind 2 it is the tag
  const bodies = Array.from({ length: 100 }, (_, i) => `${i} Привет 🌍 <b>&amp;</b> ]]> "'`);
  for (const body of bodies) {
    await alice.say(bob.jid, body);
    await bob.say(alice.jid, body);
  }
  for (const body of bodies) {
    for (const [from, to] of [[alice, bob], [bob, alice]]) {
      const message = await to.message();
      equal(message.getChildText("body"), body, "body");
      equal(message.attrs.from, String(from.jid), "from");
    }
  }
  await Promise.all([alice.stop(), bob.stop()]);
}

// newAccount makes an account that no test has had before.
let accounts = 0;
function newAccount(name) {
  const local = `${name}-js-${Date.now() % 1e7}-${accounts++}`;
  const [command, ...args] = process.env.XYLEM_USER_ADD.split(" ");
  execFileSync(command, [...args, `${local}@localhost`], { input: `${password}\n`, stdio: ["pipe", "ignore", "inherit"] });
  return local;
}

// Observer keeps presence, pushes and stored messages too.
class Observer extends Peer {
  constructor(username, options) {
    super(username, options);
    this.seen = [];
    this.watchers = [];
    this.xmpp.on("stanza", (s) => {
      this.seen.push(s);
      this.watchers = this.watchers.filter((look) => !look());
    });
    this.xmpp.iqCallee.set("jabber:iq:roster", "query", () => true);
  }

  // first takes the first stanza that suits, now or later.
  first(suits) {
    return new Promise((resolve) => {
      const look = () => {
        const i = this.seen.findIndex(suits);
        if (i >= 0) resolve(this.seen.splice(i, 1)[0]);
        return i >= 0;
      };
      if (!look()) this.watchers.push(look);
    });
  }

  presence(type, from) {
    return this.first((s) => s.is("presence") && s.attrs.type === type && s.attrs.from === String(from));
  }

  roster() {
    return this.xmpp.iqCaller.get(xml("query", { xmlns: "jabber:iq:roster" }));
  }

  tell(to, type) {
    return this.xmpp.send(xml("presence", { to: String(to), type }));
  }
}

const tests = {
  "login-starttls": () => login(false),
  "login-direct": () => login(true),
  "chat-starttls": () => chat(false, false),
  "chat-direct": () => chat(true, true),
  "chat-mixed": () => chat(false, true),

  "wrong-password": async () => {
    const mallory = new Peer("alice", { secret: "guess" });
    equal(await condition(mallory.xmpp.start()), "not-authorized", "condition");
    await mallory.stop();
  },

  iq: async () => {
    const alice = await new Peer("alice").start();
    const bob = await new Peer("bob").start();
    const { iqCaller } = alice.xmpp;
    bob.xmpp.iqCallee.get("urn:xylem:test:add", "add", ({ element }) =>
      xml("add", { xmlns: "urn:xylem:test:add" }, String(Number(element.attrs.a) + Number(element.attrs.b))),
    );
    const sum = await iqCaller.get(xml("add", { xmlns: "urn:xylem:test:add", a: "2", b: "3" }), String(bob.jid));
    equal(sum.text(), "5", "sum");
    const unknown = xml("query", { xmlns: "urn:xylem:test:unknown" });
    equal(await condition(iqCaller.get(unknown, "localhost")), "service-unavailable", "from the server");
    equal(await condition(iqCaller.get(unknown, String(bob.jid))), "service-unavailable", "from the client");
    equal(await condition(iqCaller.get(unknown, "bob@localhost/nowhere")), "service-unavailable", "from nobody");
    await Promise.all([alice.stop(), bob.stop()]);
  },

  im: async () => {
    const [annName, benName] = [newAccount("ann"), newAccount("ben")];
    const [annJID, benJID] = [`${annName}@localhost`, `${benName}@localhost`];
    const ann = await new Observer(annName, { resource: "phone" }).start();
    // Stored while ben is away: in order, with a stamp.
    for (let i = 0; i < 20; i++) await ann.say(benJID, `stored ${i}`);
    await condition(ann.xmpp.iqCaller.get(xml("query", { xmlns: "urn:xylem:test:unknown" }), "localhost"));
    let ben = await new Observer(benName, { resource: "desk" }).start();
    for (let i = 0; i < 20; i++) {
      const m = await ben.first((s) => s.is("message"));
      equal(m.getChildText("body"), `stored ${i}`, "body");
      equal(m.getChild("delay", "urn:xmpp:delay")?.attrs.from, "localhost", "stamp");
    }
    // A subscription, the roster and its push.
    equal((await ann.roster()).children.length, 0, "items");
    await ann.tell(benJID, "subscribe");
    await ben.presence("subscribe", annJID);
    await ben.tell(annJID, "subscribed");
    await ann.presence("subscribed", benJID);
    await ann.presence(undefined, ben.jid);
    await ann.first((s) => s.is("iq") && s.getChild("query")?.getChild("item")?.attrs.subscription === "to");
    const item = (await ann.roster()).getChild("item");
    equal(`${item.attrs.jid} ${item.attrs.subscription}`, `${benJID} to`, "item");
    // He goes, and comes back.
    const left = ben.jid;
    await ben.stop();
    await ann.presence("unavailable", left);
    ben = await new Observer(benName, { resource: "back" }).start();
    await ann.presence(undefined, ben.jid);
    await ann.say(ben.jid, "now");
    equal((await ben.message()).getChildText("body"), "now", "the next message");
    equal(ben.seen.filter((s) => s.is("message")).length, 1, "messages seen");
    await Promise.all([ann.stop(), ben.stop()]);
  },

  // A token instead of the password, which is a wrong one here (XEP-0484).
  fast: async () => {
    const userAgent = installation();
    const first = new Peer("alice", { userAgent });
    let token;
    first.xmpp.fast.saveToken = async (t) => (token = t);
    await first.start();
    await first.stop();
    equal(token?.mechanism, "HT-SHA-256-NONE", "mechanism");
    for (const direct of [false, true]) {
      const again = new Peer("alice", { direct, userAgent, secret: "guess" });
      again.xmpp.fast.fetchToken = async () => token;
      await again.start();
      await again.stop();
    }
    const other = new Peer("alice", { userAgent: installation(), secret: "guess" });
    other.xmpp.fast.fetchToken = async () => token;
    // The client drops the token, and is refused with its password.
    equal(await condition(other.xmpp.start()), "not-authorized", "by another installation");
    await other.stop();
  },

  // The connection breaks; the client comes back by itself and misses nothing
  // (XEP-0198 §10).
  resume: async () => {
    const alice = await new Peer("alice").start();
    const bob = await new Peer("bob").start();
    const resumed = new Promise((resolve) => alice.xmpp.streamManagement.on("resumed", resolve));
    alice.xmpp.reconnect.delay = 10;
    alice.xmpp.reconnect.start();
    alice.xmpp.socket.socket.destroy(); // below the class of @xmpp/tls
    for (let i = 0; i < 20; i++) await bob.say(alice.jid, `${i}`);
    await resumed;
    for (let i = 0; i < 20; i++) equal((await alice.message()).getChildText("body"), `${i}`, "body");
    await Promise.all([alice.stop(), bob.stop()]);
  },

  conflict: async () => {
    const userAgent = installation(); // which can be there once only
    const old = await new Peer("alice", { resource: "same", userAgent }).start();
    const gone = new Promise((resolve) => old.xmpp.once("disconnect", resolve));
    const young = await new Peer("alice", { resource: "same", userAgent }).start();
    equal(String(young.jid), String(old.jid), "address");
    await gone;
    equal(old.errors[0]?.condition, "conflict", "told to the old session");
    await young.stop();
  },
};

async function limited(promise) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("took too long")), LIMIT);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

let failed = false;
const names = process.argv.slice(2);
for (const name of names.length ? names : Object.keys(tests)) {
  try {
    await limited(tests[name]());
    console.log(`ok ${name}`);
  } catch (e) {
    failed = true;
    console.log(`not ok ${name}: ${e}`);
  }
}
process.exit(failed ? 1 : 0);
