import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
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
