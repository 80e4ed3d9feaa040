import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { Retry, Session, type SessionOptions } from "@holdfast/http";
import { blackhole } from "@holdfast/http/testing";
import { certificates } from "../support/certificates.ts";
import { bounded, outcomeOf } from "./scenario.ts";

interface Peer extends AsyncDisposable {
  readonly plain: number;
  readonly secure: number;
  readonly proxy: number;
}

/** Starts servers that go on while this thread is busy. */
async function livelyPeer(): Promise<Peer> {
  const workerData = (await certificates()).good;
  const worker = new Worker(new URL("./programs/lively-peer.ts", import.meta.url), { workerData });
  const [ports] = await once(worker, "message");
  return { ...ports, [Symbol.asyncDispose]: async () => void (await worker.terminate()) };
}

async function sessionWith(options: SessionOptions): Promise<Session> {
  const tls = { ca: (await certificates()).ca.cert };
  return new Session({ retry: new Retry({ total: 0 }), trustEnvironment: false, tls, ...options });
}

/** Keeps the process from handling any event. */
function compute(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

const connectLimit = { connect: 400, read: "10s" } as const;
const lateLookup = (): Promise<readonly string[]> =>
  new Promise((resolve) => setTimeout(resolve, 10, ["127.0.0.1"]));

const ways: readonly (readonly [
  way: string,
  url: (peer: Peer) => string,
  options?: (peer: Peer) => SessionOptions,
])[] = [
  ["to a server", ({ plain }) => `http://127.0.0.1:${plain}/`],
  ["with TLS", ({ secure }) => `https://127.0.0.1:${secure}/`],
  [
    "to a name that is looked up",
    ({ secure }) => `https://localhost:${secure}/`,
    () => ({ lookup: lateLookup }),
  ],
  [
    "through a tunnel of a proxy",
    ({ secure }) => `https://127.0.0.1:${secure}/`,
    ({ proxy }) => ({ proxy: `http://127.0.0.1:${proxy}` }),
  ],
];

for (const [way, url, options] of ways) {
  test(`a connection ${way} is used although the process was busy for longer than its limit`, async () => {
    await using peer = await livelyPeer();
    await using session = await sessionWith({ timeout: connectLimit, ...options?.(peer) });
    const call = outcomeOf(session.get(url(peer)));
    await new Promise((resolve) => setImmediate(resolve));

    compute(1_000);

    const { response, error } = await call;
    assert.deepEqual([response?.status, error?.message], [200, undefined]);
  });
}

test("a connection to an address that does not respond fails soon after the process was busy", async () => {
  await using hole = await blackhole();
  await using session = await sessionWith({ timeout: connectLimit });
  const began = performance.now();
  const call = outcomeOf(session.get(hole.url));
  await new Promise((resolve) => setImmediate(resolve));

  compute(1_000);

  const { error } = await call;
  assert.equal(Reflect.get(error ?? {}, "code"), "ERR_CONNECT_TIMEOUT");
  bounded("elapsed", performance.now() - began, { min: 1_000, max: 1_250 });
});

test("the second address of a host is not connected to when the first accepted while the process was busy", async () => {
  await using peer = await livelyPeer();
  const lookup = (): Promise<readonly string[]> => Promise.resolve(["127.0.0.1", "127.0.0.2"]);
  await using session = await sessionWith({ lookup });
  const call = session.get(`http://two.test:${peer.plain}/`).text();
  await new Promise((resolve) => setImmediate(resolve));

  compute(600);

  assert.equal(await call, "1");
  await pause(50);
  assert.equal(await session.get(`http://two.test:${peer.plain}/`).text(), "1");
});

const onceMore = { total: 1, statusForcelist: [503], backoffFactor: 0 } as const;

test("the buffered body of a refusal is read to its end although the process was busy", async () => {
  await using peer = await livelyPeer();
  await using session = await sessionWith({ retry: new Retry(onceMore) });
  const call = session.get(`http://127.0.0.1:${peer.plain}/refused-first?later=500000`).text();
  // The head and the first bytes of the body have arrived, the others have not been sent.
  await pause(50);

  compute(1_300);

  assert.equal(await call, "1", "the connection is used again");
});

test("the streamed body of a refusal is read to its end although the process was busy", async () => {
  await using peer = await livelyPeer();
  const busyAfterHead = ({ status }: { readonly status: number }): void => {
    if (status === 503) setImmediate(compute, 400);
  };
  // The next attempt does not wait for the rest of the body, but starts after it.
  const retry = new Retry({ ...onceMore, wait: () => 800 });
  await using session = await sessionWith({ retry, hooks: { response: [busyAfterHead] } });

  const response = await session.get(`http://127.0.0.1:${peer.plain}/refused-first?later=5`, {
    stream: true,
  });

  assert.equal(await response.text(), "1", "the connection is used again");
});
