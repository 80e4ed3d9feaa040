import assert from "node:assert/strict";
import { Retry, Session, type TimeoutOptions } from "@holdfast/http";
import { breaker, consecutive, retryBudget } from "@holdfast/policy";
import { reset, respond, type Responder } from "@holdfast/http/testing";
import { faultOrigin, protocolOptions, test } from "./protocol.ts";
import { bounded, outcomeOf, quick, sessionFor } from "./scenario.ts";

const good = respond(200, { body: "all good\n" });
const busy = respond(503);

test("concurrency.500-half-503: every call ends correctly, and none starves", async () => {
  const tries = new Map<string, number>();
  const halfBusy: Responder = ({ headers, attempt }) => {
    const call = headers["x-call"] ?? "";
    tries.set(call, (tries.get(call) ?? 0) + 1);
    return attempt % 2 === 0 || (tries.get(call) ?? 0) > 3 ? good : busy;
  };
  await using origin = await faultOrigin({ routes: { "/": halfBusy } });
  await using session = await sessionFor({
    timeout: { connect: "10s", read: "20s" },
    adapter: { maxConnections: 64 },
  });
  const began = performance.now();

  const all = await Promise.all(
    Array.from({ length: 500 }, (_, call) =>
      session.get(`${origin.url}/`, { headers: { "x-call": String(call) } }),
    ),
  );

  assert.ok(all.every(({ status }) => status === 200));
  bounded("elapsed", performance.now() - began, { max: 20_000 });
  bounded("connections", origin.connections, { max: 64 });
});

test("concurrency: every one of 200 GETs succeeds with a server that resets one connection in three", async () => {
  const third: Responder = ({ attempt }) => (attempt % 3 === 0 ? reset() : good);
  await using origin = await faultOrigin({ routes: { "/": third } });
  await using session = await sessionFor({
    retry: { total: 12 },
    timeout: { connect: "10s", read: "20s" },
    adapter: { maxConnections: 16 },
  });

  const all = await Promise.all(Array.from({ length: 200 }, () => session.get(`${origin.url}/`)));

  assert.ok(all.every(({ status }) => status === 200));
  bounded("attempts", origin.requests.length, { min: 299 });
});

test("concurrency: the pool opens no more connections than allowed, and serves queued calls in order", async () => {
  const slow: Responder = () => [{ wait: 10 }, ...good];
  await using origin = await faultOrigin({ routes: { "/": slow } });
  await using session = await sessionFor({ adapter: { maxConnections: 4 }, timeout: { read: "5s" } });
  const order: number[] = [];

  await Promise.all(
    Array.from({ length: 60 }, (_, call) => session.get(`${origin.url}/`).then(() => order.push(call))),
  );

  assert.equal(origin.connections, 4);
  assert.ok(order.every((call, place) => Math.abs(call - place) <= 8));
});

test("concurrency: the wait for a free connection counts for attempt and total, not for connect and read", async () => {
  await using origin = await faultOrigin({ routes: { "/held": () => [{ wait: 600 }, ...good], "/": good } });
  const limits = { connect: "200ms", read: "5s" } as const;
  await using session = await sessionFor({
    retry: { total: 0 },
    adapter: { maxConnections: 1 },
    timeout: limits,
  });
  const held = session.get(`${origin.url}/held`);
  const after = (more: TimeoutOptions): Promise<string> =>
    session.get(`${origin.url}/`, { timeout: { ...limits, read: "200ms", ...more } }).then(
      ({ status }) => String(status),
      ({ code }: { readonly code: string }) => code,
    );

  const ends = await Promise.all([after({}), after({ attempt: "100ms" }), after({ total: "100ms" })]);

  assert.deepEqual(ends, ["200", "ERR_ATTEMPT_TIMEOUT", "ERR_DEADLINE"]);
  assert.equal((await held).status, 200);
});

test("concurrency.breaker: the breaker rejects calls to a dead server, and probes it after the break", async () => {
  let dead = true;
  await using origin = await faultOrigin({ routes: { "/": () => (dead ? busy : good) } });
  await using session = new Session({
    ...protocolOptions(),
    retry: new Retry({ ...quick, total: 0 }),
    policy: () => breaker({ opensWhen: consecutive(5), breakDuration: "500ms" }),
  });

  for (let call = 0; call < 30; call += 1) await outcomeOf(session.get(`${origin.url}/`));
  const whileDead = origin.requests.length;
  dead = false;
  await new Promise((resolve) => setTimeout(resolve, 550));
  const { response } = await outcomeOf(session.get(`${origin.url}/`));

  assert.equal(whileDead, 5);
  assert.equal(response?.status, 200);
});

test("concurrency.retry-budget: the budget keeps an outage from a fourfold load", async () => {
  await using origin = await faultOrigin({ routes: { "/": busy } });
  await using session = new Session({
    ...protocolOptions(),
    retry: new Retry({ ...quick, total: 3 }),
    budget: retryBudget({ ratio: 0.2, minPerSecond: 0 }),
  });

  for (let call = 0; call < 100; call += 1) await outcomeOf(session.get(`${origin.url}/`));

  bounded("requests", origin.requests.length, { min: 100, max: 121 });
});
