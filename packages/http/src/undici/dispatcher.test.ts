import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { LegacyHandler, ModernHandler } from "../dispatch/contract.ts";
import { close, faultOrigin, respond } from "../testing/index.ts";
import { dispatcher, type HoldfastDispatcher } from "./dispatcher.ts";

const quick = { trustEnvironment: false, retry: { backoffFactor: 0.001 } } as const;

interface Received {
  readonly events: string[];
  status?: number;
  headers?: unknown;
  body: string;
  error?: unknown;
}

/** A handler of undici 8, and what it receives. */
function modern(done: (received: Received) => void): ModernHandler {
  const received: Received = { events: [], body: "" };
  return {
    onRequestStart: () => void received.events.push("start"),
    onResponseStart(_controller, status, headers) {
      Object.assign(received, { status, headers });
      received.events.push("head");
    },
    onResponseData: (_controller, chunk) => void (received.body += chunk.toString()),
    onResponseEnd() {
      received.events.push("end");
      done(received);
    },
    onResponseError(_controller, error) {
      received.events.push("error");
      done({ ...received, error });
    },
  };
}

/** A handler of undici 5 to 7. */
function legacy(done: (received: Received) => void): LegacyHandler {
  const received: Received = { events: [], body: "" };
  return {
    onConnect: () => void received.events.push("start"),
    onHeaders(status, raw) {
      Object.assign(received, { status, headers: raw.map(String) });
      received.events.push("head");
      return true;
    },
    onData(chunk) {
      received.body += chunk.toString();
      return true;
    },
    onComplete() {
      received.events.push("end");
      done(received);
    },
    onError(error) {
      received.events.push("error");
      done({ ...received, error });
    },
  };
}

const shapes = { modern, legacy } as const;

function send(
  agent: HoldfastDispatcher,
  shape: keyof typeof shapes,
  options: Parameters<HoldfastDispatcher["dispatch"]>[0],
): Promise<Received> {
  return new Promise((resolve) => agent.dispatch(options, shapes[shape](resolve)));
}

function open(t: TestContext, options: Parameters<typeof dispatcher>[0] = quick): HoldfastDispatcher {
  const agent = dispatcher(options);
  t.after(() => agent.close());
  return agent;
}

for (const shape of ["modern", "legacy"] as const) {
  test(`repeats a GET for a ${shape} handler, which receives only the last response`, async (t) => {
    await using origin = await faultOrigin({
      routes: { "*": [respond(503), close(), respond(200, { body: "done" })] },
    });
    const agent = open(t);

    const received = await send(agent, shape, { origin: origin.url, path: "/", method: "GET" });

    assert.deepEqual(
      [received.status, received.body, received.events],
      [200, "done", ["start", "head", "end"]],
    );
    assert.equal(origin.requests.length, 3);
  });

  test(`gives a ${shape} handler the error of the last attempt`, async (t) => {
    const agent = open(t, { ...quick, retry: 0 });

    const { error, events } = await send(agent, shape, {
      origin: "http://127.0.0.1:1",
      path: "/",
      method: "GET",
    });

    assert.deepEqual([(error as { code: string }).code, events], ["ERR_CONNECTION", ["start", "error"]]);
  });
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test("sends a stream with a small Content-Length again, and whole", async (t) => {
  await using origin = await faultOrigin({ routes: { "*": [respond(503), respond(503), respond(200)] } });
  const agent = open(t);
  const headers = { "content-length": "6" };

  const { status } = await send(agent, "legacy", {
    origin: origin.url,
    path: "/",
    method: "PUT",
    headers,
    body: pieces("ab", "cdef"),
  });

  assert.equal(status, 200);
  assert.deepEqual(
    origin.requests.map((request) => request.body.toString()),
    ["abcdef", "abcdef", "abcdef"],
  );
});

test("sends a stream of unknown length once", async (t) => {
  await using origin = await faultOrigin({ routes: { "*": [respond(503), respond(200)] } });
  const agent = open(t);

  const { status } = await send(agent, "modern", {
    origin: origin.url,
    path: "/",
    method: "PUT",
    body: pieces("ab", "cdef"),
  });

  assert.deepEqual([status, origin.requests.length, origin.requests[0]?.body.toString()], [503, 1, "abcdef"]);
});

test("writes header names and the path as the caller did", async (t) => {
  await using origin = await faultOrigin({ routes: { "*": respond(200) } });
  const agent = open(t);

  await send(agent, "modern", {
    origin: origin.url,
    path: "/a/../b?",
    method: "GET",
    headers: ["X-CamelCase", "1", "x-lower", "2"],
  });

  const [request] = origin.requests;
  assert.equal(request?.target, "/a/../b?");
  assert.match(String(request?.headerLines), /X-CamelCase,1,x-lower,2/);
});

test("refuses credentials that a redirect would carry to another origin", async () => {
  const auth = (): string => "Bearer secret";

  assert.throws(() => dispatcher({ auth }), /takes auth only with baseUrl/);
  assert.throws(() => dispatcher({ headers: { "X-Api-Key": "1" } }), /takes x-api-key only with baseUrl/);
  assert.throws(() => dispatcher({ params: { api_key: "1" } }), /takes api_key only with baseUrl/);
  await dispatcher({ auth, baseUrl: "https://api.test" }).close();
});

test("sends the credentials of a session with baseUrl to that origin alone", async (t) => {
  await using origin = await faultOrigin({ routes: { "*": respond(200) } });
  await using other = await faultOrigin({ routes: { "*": respond(200) } });
  const agent = open(t, { ...quick, baseUrl: origin.url, headers: { "x-api-key": "1" } });

  await send(agent, "modern", { origin: origin.url, path: "/", method: "GET" });
  await send(agent, "modern", { origin: other.url, path: "/", method: "GET" });

  assert.deepEqual(
    [origin.requests[0]?.headers["x-api-key"], other.requests[0]?.headers["x-api-key"]],
    ["1", undefined],
  );
});

test("adds no headers of its own", async (t) => {
  await using origin = await faultOrigin({ routes: { "*": respond(200) } });
  const agent = open(t);

  await send(agent, "modern", { origin: origin.url, path: "/", method: "GET" });

  assert.deepEqual(Object.keys(origin.requests[0]?.headers ?? {}), ["host", "connection"]);
});

test("passes a coded body on as it was sent", async (t) => {
  await using origin = await faultOrigin({ routes: { "*": respond(200, { body: "text", coding: "gzip" }) } });
  const agent = open(t);
  const chunks: Buffer[] = [];

  await new Promise<void>((resolve) =>
    agent.dispatch(
      { origin: origin.url, path: "/", method: "GET" },
      { onHeaders: () => true, onData: (chunk) => chunks.push(chunk) > 0, onComplete: () => resolve() },
    ),
  );

  assert.equal(gunzipSync(Buffer.concat(chunks)).toString(), "text");
});

test("pauses the body until the handler resumes it", async (t) => {
  const body = Buffer.alloc(3_000_000, "x");
  await using origin = await faultOrigin({ routes: { "*": respond(200, { body }) } });
  const agent = open(t);
  let received = 0;
  let resume: () => void = () => undefined;
  const ended = Promise.withResolvers<void>();
  agent.dispatch(
    { origin: origin.url, path: "/", method: "GET" },
    {
      onHeaders: (...[, , resumeBody]) => {
        resume = resumeBody;
        return true;
      },
      onData: (chunk) => {
        received += chunk.length;
        return false;
      },
      onComplete: () => ended.resolve(),
    },
  );
  const arrived = (): number => received;
  while (arrived() === 0) await setImmediate();
  const first = arrived();
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();

  assert.equal(arrived(), first);
  const timer = setInterval(() => resume(), 0);
  await ended.promise;
  clearInterval(timer);
  assert.equal(received, body.length);
});

test("gives the handler the reason of its abort, before and after the head", async (t) => {
  await using origin = await faultOrigin({ routes: { "*": respond(200, { body: "x".repeat(1_000_000) }) } });
  const agent = open(t);
  const options = { origin: origin.url, path: "/", method: "GET" };
  const reason = new Error("enough");
  const errors: unknown[] = [];

  for (const when of ["start", "head"] as const)
    await new Promise<void>((resolve) =>
      agent.dispatch(options, {
        onRequestStart: (controller) => when === "start" && controller.abort(reason),
        onResponseStart: (controller) => when === "head" && controller.abort(reason),
        onResponseError(_controller, error) {
          errors.push(error);
          resolve();
        },
      }),
    );

  assert.deepEqual(errors, [reason, reason]);
});

test("gives a handler that throws its own error", async (t) => {
  await using origin = await faultOrigin({ routes: { "*": respond(200, { body: "x" }) } });
  const agent = open(t);
  const mistake = new Error("mistake");

  const error = await new Promise((resolve) =>
    agent.dispatch(
      { origin: origin.url, path: "/", method: "GET" },
      {
        onHeaders: () => {
          throw mistake;
        },
        onError: resolve,
      },
    ),
  );

  assert.equal(error, mistake);
});

test("changes the protocol when the caller asks for it", async (t) => {
  const server = createServer().on("upgrade", (_request, socket) => {
    socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  const agent = open(t);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;

  const text = await new Promise((resolve, reject) =>
    agent.dispatch(
      { origin: `http://127.0.0.1:${port}`, path: "/", method: "GET", upgrade: "echo" },
      { onUpgrade: (...[, , socket]) => socket.once("data", resolve), onError: reject },
    ),
  );

  assert.equal(String(text), "hello");
});

test("composes interceptors, the last one first", async (t) => {
  await using origin = await faultOrigin({ routes: { "*": respond(200) } });
  const order: string[] = [];
  const note =
    (name: string) =>
    (dispatch: HoldfastDispatcher["dispatch"]): HoldfastDispatcher["dispatch"] =>
    (options, handler) => {
      order.push(name);
      return dispatch(options, handler);
    };
  const agent = open(t).compose(note("first"), [note("last")]);

  await send(agent, "legacy", { origin: origin.url, path: "/", method: "GET" });

  assert.deepEqual(order, ["last", "first"]);
});
