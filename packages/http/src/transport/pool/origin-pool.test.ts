import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { ConnectTimeoutError } from "../../errors/transport-errors.ts";
import type { Connection } from "./connection.ts";
import { IdleConnections } from "./idle-connections.ts";
import { OriginPool, type OriginPoolOptions, type PendingRequest } from "./origin-pool.ts";

const server = createServer((socket) => socket.on("error", () => undefined));
const origin = new URL("http://pool.test");

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

after(() => server.close());

async function socket(): Promise<Socket> {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server does not listen");
  const opened = connect(address.port, "127.0.0.1").on("error", () => undefined);
  await once(opened, "connect");
  return opened;
}

/** A connector whose openings the test ends with a socket or an error. */
class Openings {
  readonly all: {
    resolve: (socket: Socket) => void;
    reject: (error: Error) => void;
    signal: AbortSignal;
    limit: number;
  }[] = [];

  readonly connector: OriginPoolOptions["connector"] = (_origin, { connectLimit: limit }, signal) =>
    new Promise((resolve, reject) => {
      this.all.push({ resolve, reject, signal, limit });
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
}

class TestRequest implements PendingRequest {
  readonly connectLimit: number;
  readonly connections: Connection[] = [];
  readonly errors: unknown[] = [];

  constructor(connectLimit = 1_000) {
    this.connectLimit = connectLimit;
  }

  useConnection(connection: Connection): void {
    this.connections.push(connection);
  }

  connectionFailed(error: unknown): void {
    this.errors.push(error);
  }
}

function pool(options: Partial<OriginPoolOptions> = {}): { pool: OriginPool; openings: Openings } {
  const openings = new Openings();
  return {
    openings,
    pool: new OriginPool(origin, {
      connector: openings.connector,
      maxConnections: 4,
      mayMultiplex: false,
      idle: new IdleConnections(256),
      ...options,
    }),
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("opens one connection for each waiting request, up to the maximum", () => {
  const { pool: waiting, openings } = pool();

  for (let request = 0; request < 6; request += 1) waiting.acquire(new TestRequest());

  assert.equal(openings.all.length, 4);
  waiting.close(new Error("over"));
});

test("opens one connection while it may be HTTP/2, and more when it is not", async () => {
  const { pool: shared, openings } = pool({ mayMultiplex: true });
  const requests = [new TestRequest(), new TestRequest(), new TestRequest()];
  for (const request of requests) shared.acquire(request);
  const atFirst = openings.all.length;

  openings.all[0]?.resolve(await socket());
  await turn();

  assert.deepEqual(
    [atFirst, openings.all.length, requests.map(({ connections }) => connections.length)],
    [1, 3, [1, 0, 0]],
  );
  shared.close(new Error("over"));
});

test("a failed opening fails the first waiting request, or all that share the connection", async () => {
  for (const [mayMultiplex, errors] of [
    [false, [1, 0]],
    [true, [1, 1]],
  ] as const) {
    const { pool: failing, openings } = pool({ mayMultiplex, maxConnections: 1 });
    const requests = [new TestRequest(), new TestRequest()];
    for (const request of requests) failing.acquire(request);

    openings.all[0]?.reject(new Error("refused"));
    await turn();

    assert.deepEqual(
      requests.map((request) => request.errors.length),
      errors,
    );
    failing.close(new Error("over"));
  }
});

test("each connection of HTTP/1.1 is opened within the limit of its own request, which fails alone", async () => {
  const { pool: mixed, openings } = pool();
  const [short, long] = [new TestRequest(100), new TestRequest(3_000)];
  mixed.acquire(short);
  mixed.acquire(long);

  openings.all[0]?.reject(new ConnectTimeoutError("pool.test", 100));
  await turn();
  const failures = [short.errors.length, long.errors.length];
  openings.all[1]?.resolve(await socket());
  await turn();

  assert.deepEqual(
    openings.all.map(({ limit }) => limit),
    [100, 3_000],
  );
  assert.deepEqual([failures, long.connections.length], [[1, 0], 1]);
  mixed.close(new Error("over"));
});

test("a new connection of HTTP/1.1 goes to the request that it was opened for", async () => {
  const { pool: mixed, openings } = pool();
  const [long, short] = [new TestRequest(3_000), new TestRequest(100)];
  mixed.acquire(long);
  mixed.acquire(short);

  openings.all[1]?.resolve(await socket());
  await turn();

  assert.deepEqual([long.connections.length, short.connections.length], [0, 1]);
  mixed.close(new Error("over"));
});

test("a connection for a request that was served otherwise fails no other, which opens its own", async () => {
  const { pool: two, openings } = pool({ maxConnections: 2 });
  const [busy, served, waiting] = [new TestRequest(), new TestRequest(), new TestRequest(500)];
  two.acquire(busy);
  openings.all[0]?.resolve(await socket());
  await turn();
  two.acquire(served);
  const connection = busy.connections[0];
  assert.ok(connection !== undefined);
  two.release(connection);
  two.acquire(waiting);

  openings.all[1]?.reject(new ConnectTimeoutError("pool.test", 1_000));
  await turn();

  assert.deepEqual([served.connections, waiting.errors], [[connection], []]);
  assert.deepEqual(
    openings.all.map(({ limit }) => limit),
    [1_000, 1_000, 500],
  );
  two.close(new Error("over"));
});

test("cancels the opening of a connection that no request waits for", async () => {
  const { pool: fickle, openings } = pool({ maxConnections: 1 });
  const [gone, next] = [new TestRequest(), new TestRequest()];
  fickle.acquire(gone);

  fickle.cancel(gone);
  fickle.acquire(next);
  await turn();

  assert.equal(openings.all[0]?.signal.aborted, true);
  assert.deepEqual([openings.all.length, gone.errors.length, next.errors.length], [2, 0, 0]);
  openings.all[1]?.resolve(await socket());
  await turn();
  assert.equal(next.connections.length, 1);
  fickle.close(new Error("over"));
});

test("gives a new connection to a request that still waits", async () => {
  const { pool: one, openings } = pool({ maxConnections: 1 });
  const [gone, left] = [new TestRequest(), new TestRequest()];
  one.acquire(gone);
  one.acquire(left);

  one.cancel(gone);
  openings.all[0]?.resolve(await socket());
  await turn();

  assert.deepEqual([openings.all.length, gone.connections.length, left.connections.length], [1, 0, 1]);
  one.close(new Error("over"));
});

test("gives a released connection to the next waiting request, and otherwise to the next acquire", async () => {
  const { pool: one, openings } = pool({ maxConnections: 1 });
  const requests = [new TestRequest(), new TestRequest()];
  for (const request of requests) one.acquire(request);
  openings.all[0]?.resolve(await socket());
  await turn();
  const connection = requests[0]?.connections[0];
  assert.ok(connection !== undefined);

  one.release(connection);
  one.release(connection);
  const late = new TestRequest();
  one.acquire(late);

  assert.deepEqual([requests[1]?.connections[0], late.connections[0]], [connection, connection]);
  one.close(new Error("over"));
});

test("releaseSoon makes a connection available to acquire immediately, and to waiting requests a turn later", async () => {
  const { pool: one, openings } = pool({ maxConnections: 1 });
  const [first, second, third] = [new TestRequest(), new TestRequest(), new TestRequest()];
  one.acquire(first);
  openings.all[0]?.resolve(await socket());
  await turn();
  const connection = first.connections[0];
  assert.ok(connection !== undefined);

  one.releaseSoon(connection);
  one.acquire(second);
  one.acquire(third);
  one.releaseSoon(connection);
  const queued = third.connections.length;
  await turn();

  assert.deepEqual([second.connections, queued, third.connections], [[connection], 0, [connection]]);
  one.close(new Error("over"));
});

test("does not reuse a connection that closes after releaseSoon", async () => {
  const { pool: one, openings } = pool({ maxConnections: 1 });
  const [first, second] = [new TestRequest(), new TestRequest()];
  one.acquire(first);
  const opened = await socket();
  openings.all[0]?.resolve(opened);
  await turn();
  const connection = first.connections[0];
  assert.ok(connection !== undefined);

  one.releaseSoon(connection);
  opened.destroy();
  one.acquire(second);
  await once(opened, "close");

  assert.deepEqual([second.connections, openings.all.length], [[], 2]);
  one.close(new Error("over"));
});

test("replaces a closed connection for waiting requests and removes it", async () => {
  const { pool: one, openings } = pool({ maxConnections: 1 });
  const requests = [new TestRequest(), new TestRequest()];
  for (const request of requests) one.acquire(request);
  const first = await socket();
  openings.all[0]?.resolve(first);
  await turn();
  const connection = requests[0]?.connections[0];
  assert.ok(connection !== undefined);

  first.destroy();
  await once(first, "close");
  one.release(connection);
  await turn();

  assert.equal(openings.all.length, 2);
  if (requests[1] !== undefined) one.cancel(requests[1]);
  assert.ok(one.isEmpty);
});

test("close fails waiting requests with the reason", () => {
  const { pool: closing, openings } = pool({ maxConnections: 1 });
  const requests = [new TestRequest(), new TestRequest()];
  for (const request of requests) closing.acquire(request);
  const reason = new Error("over");

  closing.close(reason);

  assert.deepEqual(
    requests.map(({ errors }) => errors),
    [[reason], [reason]],
  );
  assert.equal(openings.all[0]?.signal.aborted, true);
  assert.ok(closing.isEmpty);
});

test("a retired pool closes idle connections, closes busy ones after release, and serves waiting requests", async () => {
  const { pool: old, openings } = pool({ maxConnections: 2 });
  const [idle, busy, late] = [new TestRequest(), new TestRequest(), new TestRequest()];
  old.acquire(idle);
  old.acquire(busy);
  for (const { resolve } of openings.all) resolve(await socket());
  await turn();
  const [idleConnection, busyConnection] = [idle.connections[0], busy.connections[0]];
  assert.ok(idleConnection !== undefined && busyConnection !== undefined);
  old.release(idleConnection);
  old.retire();
  const atOnce = [idleConnection.isClosed, busyConnection.isClosed, busyConnection.isOpen];

  old.acquire(late);
  openings.all[2]?.resolve(await socket());
  await turn();
  old.release(busyConnection);
  const [served] = late.connections;
  assert.ok(served !== undefined);
  const stillServed = served.isClosed;
  old.release(served);

  assert.deepEqual(atOnce, [true, false, false]);
  assert.deepEqual([busyConnection.isClosed, stillServed, served.isClosed], [true, false, true]);
  assert.ok(old.isEmpty);
});

test("replaceConnections uses new connections without exceeding the maximum", async () => {
  const { pool: renewed, openings } = pool({ maxConnections: 2 });
  const [idle, busy, first, second] = [
    new TestRequest(),
    new TestRequest(),
    new TestRequest(),
    new TestRequest(),
  ];
  renewed.acquire(idle);
  renewed.acquire(busy);
  for (const { resolve } of openings.all) resolve(await socket());
  await turn();
  const [idleConnection, busyConnection] = [idle.connections[0], busy.connections[0]];
  assert.ok(idleConnection !== undefined && busyConnection !== undefined);
  renewed.release(idleConnection);

  renewed.replaceConnections();
  const atOnce = [idleConnection.isClosed, busyConnection.isClosed];
  renewed.acquire(first);
  renewed.acquire(second);
  const whileBusy = openings.all.length;
  renewed.release(busyConnection);

  assert.deepEqual(atOnce, [true, false]);
  assert.deepEqual([whileBusy, openings.all.length, busyConnection.isClosed], [3, 4, true]);
  renewed.close(new Error("over"));
});

test("a retired pool does not keep a connection that no request waits for", async () => {
  const { pool: old, openings } = pool({ maxConnections: 2 });
  const [first, second] = [new TestRequest(), new TestRequest()];
  old.acquire(first);
  old.acquire(second);
  openings.all[0]?.resolve(await socket());
  await turn();
  const [shared] = first.connections;
  assert.ok(shared !== undefined);
  old.release(shared);
  old.retire();
  const surplus = await socket();

  openings.all[1]?.resolve(surplus);
  await turn();

  assert.deepEqual(second.connections, [shared]);
  assert.ok(surplus.destroyed);
  old.release(shared);
  assert.ok(old.isEmpty);
});

const timedOut = new ConnectTimeoutError("h:1", 1_000, "tls");

test("a request that waits for the connection of another one has its own connect limit", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const { pool: shared, openings } = pool({ mayMultiplex: true, clock });
  const [patient, hasty] = [new TestRequest(5_000), new TestRequest(200)];

  shared.acquire(patient);
  shared.acquire(hasty);
  await clock.advance(200);

  assert.deepEqual(
    [patient.errors.length, hasty.errors.map((error) => error instanceof ConnectTimeoutError && error.limit)],
    [0, [200]],
  );
  assert.deepEqual([openings.all.length, openings.all[0]?.signal.aborted], [1, false]);
});

test("when a shared connection takes too long, requests with time left get another one", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const { pool: shared, openings } = pool({ mayMultiplex: true, clock });
  const [first, together, later] = [new TestRequest(), new TestRequest(), new TestRequest()];

  shared.acquire(first);
  shared.acquire(together);
  await clock.advance(600);
  shared.acquire(later);
  await clock.advance(395);
  openings.all[0]?.reject(timedOut);
  await turn();

  assert.deepEqual(
    [first, together, later].map(({ errors }) => errors.length),
    [1, 1, 0],
  );
  assert.equal(openings.all.length, 2);

  await clock.advance(604);
  assert.equal(later.errors.length, 0);
  await clock.advance(2);
  assert.equal(later.errors.length, 1);
  assert.equal(openings.all[1]?.signal.aborted, true);
});

test("a shared connection that is refused fails every request that waits", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const { pool: shared, openings } = pool({ mayMultiplex: true, clock });
  const requests = [new TestRequest(), new TestRequest(), new TestRequest()];

  for (const request of requests) shared.acquire(request);
  openings.all[0]?.reject(new Error("refused"));
  await turn();

  assert.deepEqual(
    requests.map(({ errors }) => errors.length),
    [1, 1, 1],
  );
  assert.equal(openings.all.length, 1);
});

test("when the shared connection speaks HTTP/1.1, every request gets its own within its whole limit", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const { pool: shared, openings } = pool({ mayMultiplex: true, clock });
  const [first, second] = [new TestRequest(), new TestRequest()];

  shared.acquire(first);
  shared.acquire(second);
  await clock.advance(900);
  openings.all[0]?.resolve(await socket());
  await turn();
  await clock.advance(500);

  assert.deepEqual([first.connections.length, second.errors.length, openings.all.length], [1, 0, 2]);
});
