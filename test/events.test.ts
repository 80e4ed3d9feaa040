import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import {
  EventStreamError,
  IncompleteBodyError,
  LineTooLongError,
  ReadTimeoutError,
  Session,
  StatusError,
  type EventsOptions,
  type ServerSentEvent,
} from "@holdfast/http";
import {
  chunked,
  cut,
  faultOrigin,
  respond,
  stall,
  type Entry,
  type FaultOrigin,
  type Reply,
} from "@holdfast/http/testing";

const type = { "content-type": "text/event-stream" };
const gone = respond(204);

/** A stream with these chunks that the server ends. */
function stream(...chunks: readonly string[]): Reply {
  return chunked(200, chunks, { headers: type });
}

/** The same, but the connection breaks before the end of the stream. */
function broken(...chunks: readonly string[]): Reply {
  return cut(stream(...chunks), { beforeEnd: "0\r\n\r\n".length });
}

interface Heard {
  readonly events: readonly ServerSentEvent[];
  readonly error: unknown;
  readonly origin: FaultOrigin;
}

/** Reads the events of a script until they end. */
async function listen(script: readonly Entry[], options: EventsOptions = {}): Promise<Heard> {
  await using origin = await faultOrigin({ routes: { "/": script } });
  await using session = new Session({ random: () => 0, retry: false });
  const events: ServerSentEvent[] = [];
  try {
    for await (const event of session.events(origin.url, { reconnectDelay: 10, ...options }))
      events.push(event);
    return { events, error: undefined, origin };
  } catch (error) {
    return { events, error, origin };
  }
}

function dataOf({ events }: Heard): readonly string[] {
  return events.map(({ data }) => data);
}

function idsSent({ origin }: Heard): readonly (string | undefined)[] {
  return origin.requests.map(({ headers }) => headers["last-event-id"]?.toString());
}

test("returns the events of a stream, and ends after a 204", async () => {
  const heard = await listen([
    stream(": hello\n\nevent: price\nid: 7\nda", "ta: 1\ndata: 2\n\n", "data: 3\r\n\r\n"),
    gone,
  ]);

  assert.deepEqual(heard.events, [
    { event: "price", data: "1\n2", id: "7" },
    { event: "message", data: "3", id: "7" },
  ]);
  assert.equal(heard.error, undefined);
  assert.deepEqual(idsSent(heard), [undefined, "7"]);
  assert.equal(heard.origin.requests[0]?.headers["accept"], "text/event-stream");
});

test("connects again after a cut, after the last event that was complete", async () => {
  const heard = await listen([
    broken("id: a\ndata: 1\n\n", "id: b\ndata: 2\n"),
    broken("id: ä\ndata: 2\n\n"),
    gone,
  ]);

  assert.deepEqual(dataOf(heard), ["1", "2"]);
  assert.deepEqual(idsSent(heard), [undefined, "a", Buffer.from("ä").toString("latin1")]);
});

test("an id that no header can carry is not sent, and an empty one is forgotten", async () => {
  const heard = await listen([
    broken("id: \u0001\ndata: 1\n\n"),
    broken("id: x\ndata: 2\n\nid:\ndata: 3\n\n"),
    gone,
  ]);

  assert.deepEqual(
    [dataOf(heard), idsSent(heard)],
    [
      ["1", "2", "3"],
      [undefined, undefined, undefined],
    ],
  );
});

test("an id longer than 4,096 characters is not sent", async () => {
  const heard = await listen([stream(`id: 1\ndata: a\n\nid: ${"x".repeat(4_097)}\ndata: b\n\n`), gone]);
  assert.deepEqual(dataOf(heard), ["a", "b"]);
  assert.deepEqual(idsSent(heard), [undefined, "1"]);
});

test("waits as long as the server's retry says, and longer while no event arrives", async () => {
  const heard = await listen([
    broken("retry: 300\n\ndata: 1\n\n"),
    broken(": nothing\n\n"),
    broken(": nothing\n\n"),
    broken("data: 2\n\n"),
    gone,
  ]);

  assert.deepEqual(dataOf(heard), ["1", "2"]);
  assertWaits(heard, [300, 300, 600, 300]);
});

test("retry: 0 is no loop without a wait", async () => {
  const heard = await listen([stream("retry: 0\n\n"), stream(""), stream(""), gone]);

  assertWaits(heard, [100, 200, 400]);
});

/** Asserts the shortest waits between the requests. A timer may end a millisecond early. */
function assertWaits({ origin }: Heard, waits: readonly number[]): void {
  const gaps = origin.gaps("/");
  assert.equal(gaps.length, waits.length);
  for (const [index, wait] of waits.entries())
    assert.ok((gaps[index] ?? 0) >= wait - 2, `${gaps.join()}, not ${waits.join()}`);
}

const endings: readonly (readonly [what: string, options: EventsOptions, ofEnd: number, ofCut: number])[] = [
  ["GET", {}, 2, 2],
  ["GET with reconnect: cut", { reconnect: "cut" }, 1, 2],
  ["GET with reconnect: never", { reconnect: "never" }, 1, 1],
  ["POST", { method: "POST", json: {} }, 1, 1],
  ["POST with a key", { method: "POST", json: {}, idempotencyKey: "auto" }, 1, 2],
];

for (const [what, options, ofEnd, ofCut] of endings) {
  test(`${what} makes ${ofEnd} requests if the server ends the stream, and ${ofCut} if the connection breaks`, async () => {
    const ended = await listen([stream("data: 1\n\n"), gone], options);
    const interrupted = await listen([broken("data: 1\n\n"), gone], options);

    assert.deepEqual([ended.origin.requests.length, interrupted.origin.requests.length], [ofEnd, ofCut]);
    assert.equal(ended.error, undefined);
    assert.equal(interrupted.error instanceof IncompleteBodyError, ofCut === 1);
    assert.deepEqual([dataOf(ended), dataOf(interrupted)], [["1"], ["1"]]);
  });
}

test("silence longer than timeout.read breaks the connection", async () => {
  await using origin = await faultOrigin({
    routes: { "/": stall(stream("data: 1\n\n", "data: 2\n\n"), { beforeEnd: 20 }) },
  });
  await using session = new Session();
  const events = session.events(origin.url, { reconnect: "never", timeout: { read: 200 } });

  await assert.rejects(Array.fromAsync(events), ReadTimeoutError);
});

test("timeout.total limits the whole stream", async () => {
  await using origin = await faultOrigin({ routes: { "/": broken("retry: 50\n\ndata: 1\n\n") } });
  await using session = new Session();

  const error: unknown = await Array.fromAsync(session.events(origin.url, { timeout: { total: 400 } })).catch(
    (reason: unknown) => reason,
  );

  assert.ok(error instanceof Error);
  assert.equal(error.name, "DeadlineExceededError");
  assert.ok(origin.requests.length > 1);
});

test("refuses a response that is not a stream of events, and a status that is not a success", async () => {
  const page = await listen([respond(200, { body: "<html>", headers: { "content-type": "text/html" } })]);
  const missing = await listen([respond(404)]);
  const endless = await listen([stream(`data: ${"x".repeat(100)}\n\n`)], { maxLength: 50 });

  assert.ok(page.error instanceof EventStreamError);
  assert.match(page.error.message, /responded with text\/html, not with text\/event-stream/);
  assert.ok(missing.error instanceof StatusError);
  assert.ok(endless.error instanceof LineTooLongError);
});

test("leaving the loop, an abort and close() end the stream", async () => {
  await using origin = await faultOrigin({
    routes: { "/": stall(stream("data: 1\n\n", "data: 2\n\n"), { beforeEnd: 20 }) },
  });
  const session = new Session();
  const caller = new AbortController();
  for await (const { data } of session.events(origin.url)) {
    assert.equal(data, "1");
    break;
  }
  const aborted = session.events(origin.url, { signal: caller.signal });
  await aborted.next();
  const reason = new Error("enough");
  caller.abort(reason);
  await assert.rejects(aborted.next(), reason);
  const closed = session.events(origin.url);
  await closed.next();
  await session.close();

  await assert.rejects(closed.next(), { code: "ERR_SESSION_CLOSED" });
});

test("a reader that stops reading stops the server", async () => {
  const event = `data: ${"x".repeat(16_000)}\n\n`;
  let sent = 0;
  const server = createServer((_request, response) => {
    response.writeHead(200, type);
    const send = (): void => {
      for (let more = true; more; sent += event.length) more = response.write(event);
    };
    response.on("drain", send);
    send();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  await using session = new Session();
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const events = session.events(`http://127.0.0.1:${address.port}/`);

  await events.next();
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const stopped = sent;
  for (let count = 0; count < 2_000; count += 1) await events.next();

  assert.ok(sent > stopped, "the server goes on when the reader does");
  assert.ok(stopped < 32_000_000, `${stopped} bytes were sent without a reader`);
  await events.return();
  server.close();
  server.closeAllConnections();
});
