import assert from "node:assert/strict";
import { test } from "node:test";
import { noBody } from "../model/body.ts";
import { faultOrigin, respond, socksProxy, stall } from "../testing/index.ts";
import type { Trace } from "../model/trace.ts";
import { Transport } from "./transport.ts";
import type { ExchangeLimits, WireRequest } from "./wire/messages.ts";

const limits: ExchangeLimits = {
  connect: 5_000,
  read: 5_000,
  attempt: Infinity,
  total: Infinity,
  deadline: Infinity,
  maxBytes: Infinity,
  signal: undefined,
};

function get(path: string): WireRequest {
  const url = new URL(path, "http://origin.test");
  return { method: "GET", url, path, headers: {}, body: noBody, idempotent: true, target: "origin.test" };
}

const page = respond(200, { body: "here" });
const routes = { "/": page, "/slow": stall(page, { atBody: 2, pause: 50 }) };

/** Resolves when the condition holds. Throws after five seconds. */
async function until(holds: () => boolean): Promise<void> {
  const limit = performance.now() + 5_000;
  while (!holds()) {
    assert.ok(performance.now() < limit, "What was waited for did not come");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("forget closes the idle connections of one proxy immediately", async () => {
  await using origin = await faultOrigin({ routes });
  await using proxy = await socksProxy();
  const transport = new Transport();
  const url = new URL(origin.url);
  const via = (user: string): string => `socks5://${user}@${proxy.host}`;
  await transport.send({ url, proxy: via("ada") }, get("/"), limits);
  await transport.send({ url, proxy: via("eve") }, get("/"), limits);
  await transport.send({ url, proxy: undefined }, get("/"), limits);

  transport.forget(via("ada"));
  transport.forget(via("unknown"));
  await until(() => proxy.openConnections === 1);

  assert.equal(transport.endpointCount, 2);
  let kept: Trace = {};
  const observer = { observe: (trace: Trace): void => void (kept = trace) };
  await Promise.all([
    transport.send({ url, proxy: via("eve") }, get("/"), { ...limits, observer }),
    transport.send({ url, proxy: via("ada") }, get("/"), limits),
  ]);
  assert.deepEqual([kept.reused, proxy.connections], [true, 3]);
  await transport.close();
});

test("a request under way through a forgotten proxy succeeds, and its connection closes afterwards", async () => {
  await using origin = await faultOrigin({ routes });
  await using proxy = await socksProxy();
  const transport = new Transport();
  const to = { url: new URL(origin.url), proxy: `socks5h://${proxy.host}` };
  const under = transport.send(to, get("/slow"), limits);
  const waiting = transport.send(to, get("/"), limits);
  await until(() => origin.requests.length > 0);

  transport.forget(to.proxy);
  const responses = await Promise.all([under, waiting]);
  await until(() => proxy.openConnections === 0);

  assert.deepEqual(
    responses.map(({ body }) => body.toString()),
    ["here", "here"],
  );
  await transport.close();
});

test("close also fails requests under way through a forgotten proxy", async () => {
  await using origin = await faultOrigin({ routes: { "/": stall(page, { atBody: 2 }) } });
  await using proxy = await socksProxy();
  const transport = new Transport();
  const to = { url: new URL(origin.url), proxy: `socks5h://${proxy.host}` };
  const under = transport.send(to, get("/"), limits).catch((error: unknown) => error);
  await until(() => origin.requests.length > 0);
  transport.forget(to.proxy);

  await transport.close();

  assert.match(String(await under), /closed/);
  await until(() => proxy.openConnections === 0);
});

test("forget releases the endpoints of proxies that leave the pool", async () => {
  await using origin = await faultOrigin({ routes });
  await using proxy = await socksProxy();
  const transport = new Transport();
  const url = new URL(origin.url);
  const counts: number[] = [];
  for (let number = 0; number < 200; number += 1) {
    const to = { url, proxy: `socks5://session-${number}@${proxy.host}` };
    await transport.send(to, get("/"), limits);
    counts.push(transport.endpointCount);
    transport.forget(to.proxy);
  }

  assert.deepEqual([Math.max(...counts), transport.endpointCount], [1, 0]);
  await until(() => proxy.openConnections === 0);
  await transport.close();
});

test("endpoints without connections are removed even when their proxy is not forgotten", async () => {
  const transport = new Transport();
  const url = new URL("http://127.0.0.1:1/");
  for (let number = 0; number < 2_500; number += 1) {
    const to = { url, proxy: `socks5://session-${number}@127.0.0.1:1` };
    await transport.send(to, get("/"), limits).catch(() => undefined);
  }

  assert.ok(transport.endpointCount <= 1_024, `${transport.endpointCount} endpoints`);
  await transport.close();
});

test("endpoints of a burst of requests are removed when their connections have closed", async () => {
  const burst = 500;
  await using origin = await faultOrigin({
    routes: { "/": respond(200, { body: "here", headers: { connection: "close" } }) },
  });
  const transport = new Transport({ lookup: () => Promise.resolve(["127.0.0.1"]) });
  const { port } = new URL(origin.url);
  const send = (number: number): Promise<unknown> =>
    transport.send(
      { url: new URL(`http://host-${number}.test:${port}/`), proxy: undefined },
      get("/"),
      limits,
    );

  await Promise.all(Array.from({ length: burst }, (_, number) => send(number)));
  await until(() => transport.endpointCount <= 128);

  // The endpoint of the latest request is not kept in use after its removal.
  await send(burst - 1);
  await send(burst - 1);
  await transport.close();
  assert.equal(transport.endpointCount, 0);
});
