import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { Session } from "@holdfast/http";
import {
  blackhole,
  drip,
  respond,
  silence,
  silentOnAccept,
  type FaultOriginOptions,
} from "@holdfast/http/testing";
import { certificates } from "../support/certificates.ts";
import { waitUntil } from "../support/holdfast.ts";
import { faultOrigin, test } from "./protocol.ts";
import { bounded, outcomeOf, sessionFor, type Scenario } from "./scenario.ts";

const good = respond(200, { body: "all good\n" });
const stop = new Error("The user pressed stop");

async function secure(more: FaultOriginOptions): Promise<FaultOriginOptions> {
  return { ...more, tls: (await certificates()).good };
}

interface Case extends Omit<Scenario, "expect"> {
  readonly seen: number;
  /** Set if the connection stays open: another call uses it, it is idle, or the server does not read. */
  readonly keptOpen?: true;
}

/** The phases of a call at the abort, each with the number of requests that the server has seen. */
const phases: Readonly<Record<string, Case>> = {
  "during the look-up": {
    adapter: { lookup: () => new Promise(() => {}) },
    ask: get("http://name.test/"),
    seen: 0,
  },
  "during the TLS handshake": { origin: () => secure({ onConnection: silentOnAccept() }), seen: 0 },
  "during-headers": { origin: { routes: { "/": silence() } }, seen: 1 },
  "in the body": { origin: { routes: { "/": drip(good, { every: 100, bodyOnly: true }) } }, seen: 1 },
  "while it waits for a connection": {
    origin: { routes: { "/slow": silence(), "/": good } },
    adapter: { maxConnections: 1 },
    ask: async (session, { url }) => {
      void session.get(`${url}/slow`).catch(() => undefined);
      return session.get(`${url}/`, { signal: current.signal });
    },
    seen: 1,
    keptOpen: true,
  },
  "in the back-off": {
    origin: { routes: { "/": respond(503) } },
    retry: { wait: () => 60_000 },
    seen: 1,
    keptOpen: true,
  },
  "in a wait for a Retry-After": {
    origin: { routes: { "/": respond(503, { headers: { "retry-after": 60 } }) } },
    seen: 1,
    keptOpen: true,
  },
  "during the upload": {
    origin: { routes: { "/": [{ read: 1_000 }, { end: "hang" }] } },
    ask: (session, { url }) =>
      session.put(`${url}/`, { body: Buffer.alloc(20_000_000), signal: current.signal }),
    seen: 1,
    keptOpen: true,
  },
};

let current = new AbortController();

function get(url: string): NonNullable<Scenario["ask"]> {
  return (session: Session) => session.get(url, { signal: current.signal });
}

for (const [phase, plan] of Object.entries(phases)) {
  test(`cancel.${phase}: the call ends immediately with the caller's reason, and leaves nothing open`, async () => {
    const { origin: options = {}, ask } = plan;
    await using origin = await faultOrigin(typeof options === "function" ? await options() : options);
    await using session = await sessionFor({ ...plan, timeout: { connect: "5s", read: "5s" } });
    current = new AbortController();
    setTimeout(() => current.abort(stop), 150);
    const began = performance.now();

    const { error } = await outcomeOf((ask ?? get(`${origin.url}/`))(session, origin));

    assert.equal(error, stop);
    bounded("elapsed", performance.now() - began, { min: 148, max: 600 });
    assert.equal(origin.requests.length, plan.seen);
    assert.equal(getEventListeners(current.signal, "abort").length, 0);
    if (plan.keptOpen === true) return;
    await waitUntil("the connection is closed", () => origin.openConnections === 0);
    assert.equal(origin.requests.length, plan.seen);
  });
}

test("cancel.before-start: the session sends nothing and opens no connection", async () => {
  await using origin = await faultOrigin({ routes: { "/": good } });
  await using session = await sessionFor();
  const began = performance.now();

  const { error } = await outcomeOf(session.get(`${origin.url}/`, { signal: AbortSignal.abort(stop) }));

  assert.equal(error, stop);
  bounded("elapsed", performance.now() - began, { max: 300 });
  assert.equal(origin.connections, 0);
});

test("cancel.during-connect: an abort while connect() hangs ends the call immediately", async () => {
  await using hole = await blackhole();
  await using session = await sessionFor({ timeout: { connect: "5s" } });
  const began = performance.now();

  const { error } = await outcomeOf(session.get(hole.url, { signal: AbortSignal.timeout(150) }));

  assert.equal(error?.name, "TimeoutError");
  bounded("elapsed", performance.now() - began, { min: 145, max: 600 });
});

test("cancel.reason-kept: the call throws any reason unchanged", async () => {
  await using origin = await faultOrigin({ routes: { "/": silence() } });
  await using session = await sessionFor();

  for (const reason of [stop, "a word", { code: 7 }, new DOMException("x", "AbortError")]) {
    const caller = new AbortController();
    setTimeout(() => caller.abort(reason), 30);
    await assert.rejects(
      session.get(`${origin.url}/`, { signal: caller.signal }),
      (error: unknown) => error === reason,
    );
  }
});

test("cancel: two calls aborted during the opening of one connection do not affect the next call", async () => {
  await using origin = await faultOrigin({
    routes: { "/": good },
    onConnection: [silentOnAccept(), []],
    tls: (await certificates()).good,
  });
  await using session = await sessionFor({
    adapter: { maxConnections: 1, tls: { ca: (await certificates()).ca.cert } },
    timeout: { connect: "5s" },
  });
  const caller = new AbortController();
  const calls = [1, 2].map(() => outcomeOf(session.get(`${origin.url}/`, { signal: caller.signal })));
  await waitUntil("the connection is accepted", () => origin.connections === 1);

  caller.abort(stop);
  const { response } = await outcomeOf(session.get(`${origin.url}/`));

  assert.deepEqual(
    (await Promise.all(calls)).map(({ error }) => error),
    [stop, stop],
  );
  assert.deepEqual([response?.status, response?.attempts.length], [200, 1]);
});

test("cancel: aborted calls return the only connection to the others", async () => {
  await using origin = await faultOrigin({ routes: { "/slow": silence(), "/": good } });
  await using session = await sessionFor({ adapter: { maxConnections: 1 }, timeout: { read: "5s" } });

  for (let round = 0; round < 20; round += 1) {
    const caller = new AbortController();
    const slow = outcomeOf(session.get(`${origin.url}/slow`, { signal: caller.signal }));
    const waiting = outcomeOf(session.get(`${origin.url}/`, { signal: caller.signal }));
    const patient = outcomeOf(session.get(`${origin.url}/`));
    if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
    caller.abort(stop);

    assert.deepEqual([(await slow).error, (await waiting).error], [stop, stop]);
    assert.equal((await patient).response?.status, 200, `round ${round}`);
  }
});

test("cancel: a call aborted before it was written to a kept-alive connection ends no other call", async () => {
  await using origin = await faultOrigin({ routes: { "/": good } });
  await using session = await sessionFor({ adapter: { maxConnections: 1 } });

  for (let round = 0; round < 20; round += 1) {
    await session.get(`${origin.url}/`);
    const caller = new AbortController();
    const gone = outcomeOf(session.get(`${origin.url}/`, { signal: caller.signal }));
    for (let turn = 0; turn < round; turn += 1) await Promise.resolve();
    caller.abort(stop);
    const { response, error } = await outcomeOf(session.post(`${origin.url}/`, { body: "x" }));

    assert.ifError(error);
    assert.deepEqual([(await gone).error, response?.attempts.length], [stop, 1], `round ${round}`);
  }
});

test("cancel: one abort ends a thousand queued calls immediately", async () => {
  await using origin = await faultOrigin({ routes: { "/": silence() } });
  await using session = await sessionFor({ adapter: { maxConnections: 4 }, timeout: { read: "30s" } });
  const caller = new AbortController();
  const calls = Array.from({ length: 2_000 }, () =>
    outcomeOf(session.get(`${origin.url}/`, { signal: caller.signal })),
  );
  await waitUntil("the server has some", () => origin.requests.length === 4);
  const began = performance.now();

  caller.abort(stop);
  const results = await Promise.all(calls);

  assert.ok(results.every(({ error }) => error === stop));
  bounded("elapsed", performance.now() - began, { max: 1_000 });
});

for (const [phase, plan] of Object.entries(phases)) {
  if (phase.includes("back-off") || phase.includes("asked for")) continue;
  test(`cancel: close() ${phase} ends the call, with the reason`, async () => {
    const { origin: options = {}, ask } = plan;
    await using origin = await faultOrigin(typeof options === "function" ? await options() : options);
    const session = await sessionFor({ ...plan, timeout: { connect: "5s", read: "5s" } });
    current = new AbortController();
    setTimeout(() => void session.close(), 150);
    const began = performance.now();

    const { error } = await outcomeOf((ask ?? get(`${origin.url}/`))(session, origin));

    assert.match(error?.message ?? "", /The session was closed/);
    bounded("elapsed", performance.now() - began, { min: 148, max: 600 });
    if (phase !== "during the upload")
      await waitUntil("the connections are closed", () => origin.openConnections === 0);
  });
}
