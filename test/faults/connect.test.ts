import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:https";
import { test } from "node:test";
import { TLSSocket } from "node:tls";
import {
  accept,
  blackhole,
  closeOnAccept,
  cutHandshake,
  faultOrigin,
  raw,
  refusedPort,
  resetOnAccept,
  respond,
  silentOnAccept,
} from "@holdfast/http/testing";
import { certificates, type Certificates } from "../support/certificates.ts";
import { bounded, outcomeOf, scenarios, sessionFor, type Scenario } from "./scenario.ts";

const connected = { "/": respond(200, { body: "connected\n" }) };
const once = { total: 0 } as const;

scenarios({
  "connect.rst-on-accept": {
    origin: { routes: connected, onConnection: [resetOnAccept(), resetOnAccept(), accept()] },
    expect: { status: 200, body: "connected\n", attempts: 1, connections: { max: 3 } },
  },
  "connect: a FIN on accept": {
    origin: { routes: connected, onConnection: [closeOnAccept(), closeOnAccept(), accept()] },
    expect: { status: 200, body: "connected\n", attempts: 1, connections: 3 },
  },
  "connect.tls-handshake-cut": {
    origin: withCertificate("good", { onConnection: [cutHandshake(), accept()] }),
    adapter: trusting,
    expect: { status: 200, body: "connected\n", attempts: 1, connections: 2 },
  },
  "connect: a cut handshake is retried for a POST too": {
    origin: withCertificate("good", { onConnection: [cutHandshake(), closeOnAccept(), accept()] }),
    adapter: trusting,
    method: "POST",
    request: { body: "order" },
    expect: { status: 200, attempts: 1, connections: 3, requestBody: "order" },
  },
  "connect: an unanswered ClientHello takes the connect limit and is retried": {
    origin: withCertificate("good", { onConnection: [silentOnAccept(), accept()] }),
    adapter: trusting,
    timeout: { connect: 200 },
    expect: { status: 200, attempts: 1, connections: 2, elapsed: { min: 200, max: 1_500 } },
  },
  "connect.tls-expired": refused("expired", "CERT_HAS_EXPIRED"),
  "connect.tls-wrong-host": refused("wrongHost", "ERR_TLS_CERT_ALTNAME_INVALID"),
  "connect: a self-signed certificate": refused("selfSigned", "DEPTH_ZERO_SELF_SIGNED_CERT"),
  "connect: a certificate of an untrusted authority": {
    ...refused("good", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    adapter: {},
  },
  "connect: rejectUnauthorized: false accepts any certificate": {
    origin: withCertificate("selfSigned"),
    adapter: { tls: { rejectUnauthorized: false } },
    expect: { status: 200, connections: 1 },
  },
  "connect.plain-to-tls-port": {
    origin: withCertificate("good"),
    ask: (session, { port }) => session.get(`http://127.0.0.1:${port}/`),
    retry: { total: 3 },
    // Node's TLS server closes without an alert.
    expect: { error: { code: "ERR_CONNECTION" }, attempts: 0, connections: 4, elapsed: { max: 2_000 } },
  },
  "connect: http:// to a port that sends a TLS alert": {
    origin: { routes: { "/": raw(Buffer.from("15030100020246", "hex")) } },
    expect: { error: { code: "ERR_PROTOCOL", phase: "headers" }, told: 1, verdict: "protocol" },
  },
  "connect: https:// to a port that speaks plain HTTP": {
    origin: { routes: connected },
    adapter: trusting,
    ask: (session, { port }) => session.get(`https://127.0.0.1:${port}/`),
    expect: {
      error: { code: "ERR_TLS", certificate: false },
      attempts: 0,
      connections: 1,
      verdict: "tls-protocol",
    },
  },
  "connect: a TLS version that the server rejects is not retried": {
    origin: withCertificate("good"),
    adapter: async () => ({
      tls: { ca: (await certificates()).ca.cert, minVersion: "TLSv1.1", maxVersion: "TLSv1.1" },
    }),
    expect: {
      error: { code: "ERR_TLS", certificate: false },
      verdict: "tls-protocol",
      attempts: 0,
      connections: { max: 1 },
    },
  },
});

function withCertificate(kind: keyof Certificates, more: object = {}): NonNullable<Scenario["origin"]> {
  return async () => ({ routes: connected, tls: (await certificates())[kind], ...more });
}

async function trusting(): Promise<{ tls: { ca: string } }> {
  return { tls: { ca: (await certificates()).ca.cert } };
}

/** connect.tls-cert-not-retried: exactly one handshake. */
function refused(kind: keyof Certificates, errno: string): Scenario {
  return {
    origin: withCertificate(kind),
    adapter: trusting,
    expect: {
      error: { code: "ERR_TLS", certificate: true, errno, mayHaveArrived: false },
      verdict: "tls-certificate",
      attempts: 0,
      told: 1,
      connections: 1,
      elapsed: { max: 3_000 },
    },
  };
}

for (const method of ["GET", "POST"]) {
  test(`connect.refused-then-ok (${method})`, async () => {
    const port = await refusedPort();
    await using session = await sessionFor({ retry: { backoffFactor: "50ms" } });

    const call = outcomeOf(session.request(method, `http://127.0.0.1:${port}/`));
    await new Promise((done) => setTimeout(done, 150));
    await using origin = await faultOrigin({ port, routes: connected });
    const { response } = await call;

    assert.equal(await response?.text(), "connected\n");
    assert.equal(origin.requests.length, 1);
    assert.ok((response?.attempts.length ?? 0) > 1);
  });
}

test("connect.blackhole-timeout, connect.timeout-accuracy: 300 ms are 300 ms", async () => {
  await using hole = await blackhole();
  await using session = await sessionFor({ retry: once, timeout: { connect: 300 } });
  const began = performance.now();

  const { error } = await outcomeOf(session.post(hole.url, { body: "x" }));

  bounded("elapsed", performance.now() - began, { min: 299, max: 450 });
  assert.deepEqual(facts(error), ["ERR_CONNECT_TIMEOUT", false]);
});

test("connect: the session retries a black hole, each time up to the connect limit", async () => {
  await using hole = await blackhole();
  await using session = await sessionFor({
    retry: { total: 2, backoffFactor: 0 },
    timeout: { connect: 150 },
  });
  const began = performance.now();

  const { error } = await outcomeOf(session.get(hole.url));

  bounded("elapsed", performance.now() - began, { min: 449, max: 900 });
  assert.equal(Reflect.get(error ?? {}, "code"), "ERR_CONNECT_TIMEOUT");
});

test("connect.dns-nxdomain: the error names the unknown host, after at most two lookups", async () => {
  await using session = await sessionFor();
  const began = performance.now();

  const { error } = await outcomeOf(session.get("http://holdfast-nowhere.invalid/"));

  assert.ok(error !== undefined && "errno" in error && "phase" in error);
  assert.match(String(error.errno), /^(ENOTFOUND|EAI_AGAIN)$/);
  assert.equal(error.phase, "dns");
  assert.match(error.message, /holdfast-nowhere\.invalid/);
  bounded("elapsed", performance.now() - began, { max: 8_000 });
});

const named = "two.test";

test("connect.two-addresses-first-dead: one dead address costs 250 ms", async () => {
  await using hole = await blackhole();
  await using origin = await faultOrigin({ host: "127.0.0.2", port: hole.port, routes: connected });
  await using session = await sessionFor({
    adapter: { lookup: () => Promise.resolve([hole.host, "127.0.0.2"]) },
    timeout: { connect: "3s" },
  });
  const began = performance.now();

  const { response } = await outcomeOf(session.get(`http://${named}:${origin.port}/`));

  assert.equal(await response?.text(), "connected\n");
  bounded("elapsed", performance.now() - began, { min: 249, max: 900 });
});

test("connect: a refusing address costs no time if the next one accepts", async () => {
  await using origin = await faultOrigin({ routes: connected });
  await using session = await sessionFor({
    adapter: { lookup: () => Promise.resolve(["127.0.0.3", "127.0.0.4", "127.0.0.1"]) },
  });

  const { response } = await outcomeOf(session.get(`http://${named}:${origin.port}/`));

  assert.deepEqual([response?.status, response?.attempts.length], [200, 1]);
});

test("connect: a name without an address, and a failing lookup, are different errors", async () => {
  const failure = Object.assign(new Error("no"), { code: "EAI_FAIL" });
  for (const [lookup, errno] of [
    [() => Promise.resolve([]), "ENODATA"],
    [() => Promise.reject(failure), "EAI_FAIL"],
  ] as const) {
    await using session = await sessionFor({ retry: once, adapter: { lookup } });

    const { error } = await outcomeOf(session.get(`http://${named}/`));

    assert.ok(error !== undefined && "errno" in error);
    assert.equal(error.errno, errno);
  }
});

test("connect: the connect limit ends an endless lookup", async () => {
  await using session = await sessionFor({
    retry: once,
    timeout: { connect: 200 },
    adapter: { lookup: () => new Promise(() => {}) },
  });
  const began = performance.now();

  const { error } = await outcomeOf(session.get(`http://${named}/`));

  assert.deepEqual(facts(error), ["ERR_CONNECT_TIMEOUT", false]);
  bounded("elapsed", performance.now() - began, { min: 199, max: 500 });
});

test("connect: a hundred calls at the same time look their name up once", async () => {
  await using origin = await faultOrigin({ routes: { "/": [{ wait: 100 }, ...respond(200)] } });
  const names: string[] = [];
  const lookup = (name: string): Promise<readonly string[]> => {
    names.push(name);
    return new Promise((resolve) => setTimeout(resolve, 50, ["127.0.0.1"]));
  };
  await using session = await sessionFor({
    retry: once,
    timeout: { connect: "10s", read: "10s" },
    adapter: { lookup },
  });

  const calls = Array.from({ length: 100 }, () => session.get(`http://${named}:${origin.port}/`));
  const statuses = (await Promise.all(calls)).map(({ status }) => status);

  assert.deepEqual([new Set(statuses), names], [new Set([200]), [named]]);
});

// Linux shows the timer of a connection: 02 is keep-alive.
if (existsSync("/proc/net/tcp")) {
  test("connect: TCP keep-alive is on while a request waits for its response", async () => {
    await using origin = await faultOrigin({ routes: { "/": [{ wait: 1_000 }, ...respond(200)] } });
    await using session = await sessionFor({ timeout: { read: "10s" } });
    const call = session.get(`${origin.url}/`);
    // Until the request is acknowledged, the retransmission timer runs.
    await new Promise((resolve) => setTimeout(resolve, 500));

    const timers = timersTo(origin.port);

    assert.deepEqual([timers, (await call).status], [["02"], 200]);
  });
}

/** Returns the timer of each established connection to an IPv4 port. */
function timersTo(port: number): readonly (string | undefined)[] {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((row) => row.trim().split(/\s+/))
    .filter(([, , address, state]) => address?.endsWith(remote) === true && state === "01")
    .map((row) => row[5]?.slice(0, 2));
}

test("connect: a server with client authentication receives the certificate, and rejects a client without one", async () => {
  const { ca, good } = await certificates();
  const server = createServer(
    { ...good, ca: ca.cert, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      const { socket } = request;
      response.end(socket instanceof TLSSocket && socket.authorized ? "welcome\n" : "who?\n");
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = `https://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`;
  await using known = await sessionFor({ adapter: { tls: { ca: ca.cert, cert: good.cert, key: good.key } } });
  await using stranger = await sessionFor({ adapter: { tls: { ca: ca.cert } } });

  const [welcome, refusal] = [await outcomeOf(known.get(url)), await outcomeOf(stranger.get(url))];

  server.close();
  server.closeAllConnections();
  assert.equal(await welcome.response?.text(), "welcome\n");
  assert.match(refusal.error?.message ?? "", /refused this client's certificate.*CERTIFICATE_REQUIRED/);
  assert.deepEqual(facts(refusal.error), ["ERR_TLS", false]);
});

function facts(error: Error | undefined): readonly unknown[] {
  return [Reflect.get(error ?? {}, "code"), Reflect.get(error ?? {}, "mayHaveArrived")];
}
