import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { test } from "node:test";
import { Session } from "../../session/session.ts";
import { refusedPort } from "../../testing/origin/dead-ends.ts";
import { faultOrigin, type FaultOrigin } from "../../testing/origin/fault-origin.ts";
import { cut } from "../../testing/replies/faults.ts";
import { resetOnNextRequest } from "../../testing/replies/keep-alive.ts";
import { respond } from "../../testing/replies/respond.ts";

interface PublishedRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly headers: string[];
  readonly body: object | null;
  readonly completed: boolean;
  addHeader(name: string, value: unknown): unknown;
}

interface Message {
  readonly request: PublishedRequest;
  readonly response?: {
    readonly statusCode: number;
    readonly statusText: string;
    readonly headers: readonly Buffer[];
  };
  readonly headers?: string;
  readonly socket?: Socket;
  readonly error?: Error & { readonly code?: string };
}

const names = [
  "undici:request:create",
  "undici:client:sendHeaders",
  "undici:request:headers",
  "undici:request:trailers",
  "undici:request:error",
];

interface Published {
  readonly name: string;
  readonly message: Message;
  /** `completed` of the request when the message came. */
  readonly completed: boolean;
}

/** Returns the messages of undici's channels about an origin. `onCreate` is a subscriber of `undici:request:create`. */
async function published(
  origin: string,
  run: () => Promise<unknown>,
  onCreate: (request: PublishedRequest) => void = () => undefined,
): Promise<readonly Published[]> {
  const messages: Published[] = [];
  const listen = (value: unknown, name: string | symbol): void => {
    const message = value as Message;
    if (message.request.origin !== origin) return;
    if (name === "undici:request:create") onCreate(message.request);
    messages.push({ name: String(name), message, completed: message.request.completed });
  };
  for (const name of names) subscribe(name, listen);
  try {
    await run();
    return messages;
  } finally {
    for (const name of names) unsubscribe(name, listen);
  }
}

function shortNames(messages: readonly Published[]): readonly string[] {
  return messages.map(({ name }) => name.replace(/^.*:/, ""));
}

const quick = { trustEnvironment: false, retry: { backoffFactor: 0 } } as const;

/** Serves one path. */
function serve(...script: Parameters<typeof respond>[0][]): Promise<FaultOrigin> {
  return faultOrigin({
    routes: { "/a": script.map((status) => respond(status, { body: "hello", headers: { "x-a": "1" } })) },
  });
}

test("a request is published like one of undici's", async () => {
  await using origin = await serve(200);
  await using session = new Session(quick);

  const messages = await published(origin.url, () =>
    session.post(`${origin.url}/a?b=c`, { body: "abc", headers: { "x-own": "2" } }),
  );

  assert.deepEqual(shortNames(messages), ["create", "sendHeaders", "headers", "trailers"]);
  assert.deepEqual(
    messages.map(({ completed }) => completed),
    [false, false, false, true],
  );
  const [create, sent, head] = messages.map(({ message }) => message);
  assert.equal(new Set(messages.map(({ message }) => message.request)).size, 1);
  assert.equal(create?.request.method, "POST");
  assert.equal(create.request.path, "/a?b=c");
  assert.notEqual(create.request.body, null);
  assert.equal(create.request.headers[create.request.headers.indexOf("x-own") + 1], "2");
  assert.match(sent?.headers ?? "", /^POST \/a\?b=c HTTP\/1\.1\r\n(?:.*\r\n)*x-own: 2\r\n/);
  assert.equal(sent?.socket?.remotePort, origin.port);
  assert.equal(head?.response?.statusCode, 200);
  assert.equal(head.response.statusText, "OK");
  const fields = head.response.headers.map(String);
  assert.equal(fields[fields.indexOf("x-a") + 1], "1");
});

test("a header that a subscriber adds or appends reaches the server, and the session's own stay", async () => {
  await using origin = await serve(200);
  await using session = new Session({ ...quick, headers: { "x-own": "2" } });

  await published(
    origin.url,
    () => session.get(`${origin.url}/a`),
    (request) => {
      request.addHeader("TraceParent", "00-1");
      request.headers.push("x-more", "3");
      request.addHeader("x-own", ["4", "5"]);
    },
  );

  const sent = origin.requests[0]?.headers;
  assert.deepEqual([sent?.["traceparent"], sent?.["x-more"]], ["00-1", "3"]);
  assert.match(String(sent?.["x-own"]), /2.*4.*5/);
  assert.equal(sent?.["user-agent"], "holdfast");
});

test("each attempt is published as a request", async () => {
  await using origin = await serve(503, 200);
  await using session = new Session(quick);

  const messages = await published(origin.url, () => session.get(`${origin.url}/a`));

  const one = ["create", "sendHeaders", "headers", "trailers"];
  assert.deepEqual(shortNames(messages), [...one, ...one]);
  assert.equal(new Set(messages.map(({ message }) => message.request)).size, 2);
});

test("a connection that is refused is published as an error", async () => {
  const url = `http://127.0.0.1:${await refusedPort()}`;
  await using session = new Session({ ...quick, retry: false });

  const messages = await published(url, () => session.get(url).catch(() => undefined));

  assert.deepEqual(shortNames(messages), ["create", "error"]);
  assert.equal(messages[1]?.message.error?.code, "ERR_CONNECTION");
  assert.equal(messages[1].completed, false);
});

test("a body that breaks off is published as an error after its head", async () => {
  await using origin = await faultOrigin({
    routes: { "/a": cut(respond(200, { body: "hello" }), { beforeEnd: 2 }) },
  });
  await using session = new Session({ ...quick, retry: false });

  const messages = await published(origin.url, () => session.get(`${origin.url}/a`).catch(() => undefined));

  assert.deepEqual(shortNames(messages), ["create", "sendHeaders", "headers", "error"]);
});

test("an abort with a reason that is not an error is published as an AbortError", async () => {
  await using origin = await serve(200);
  await using session = new Session(quick);
  const controller = new AbortController();

  const messages = await published(
    origin.url,
    () => session.get(`${origin.url}/a`, { signal: controller.signal }).catch(() => undefined),
    () => queueMicrotask(() => controller.abort("no longer needed")),
  );

  assert.equal(messages.at(-1)?.message.error?.name, "AbortError");
});

test("a request that moves to another connection is published once", async () => {
  await using origin = await faultOrigin({
    routes: { "/a": [[...respond(200), ...resetOnNextRequest()], respond(200)] },
  });
  await using session = new Session(quick);
  await session.get(`${origin.url}/a`);

  const messages = await published(origin.url, () => session.get(`${origin.url}/a`));

  assert.equal(shortNames(messages).filter((name) => name === "create").length, 1);
  assert.equal(shortNames(messages).at(-1), "trailers");
});

test("a streamed body is complete in the messages when its last byte has arrived", async () => {
  await using origin = await serve(200);
  await using session = new Session(quick);

  const messages = await published(origin.url, async () => {
    const response = await session.get(`${origin.url}/a`, { stream: true });
    for await (const _ of response.body) continue;
  });

  assert.deepEqual(shortNames(messages), ["create", "sendHeaders", "headers", "trailers"]);
});

test("messages name the origin, not the proxy that forwards to it", async () => {
  await using proxy = await faultOrigin({ routes: { "http://name.test/x": respond(200) } });
  await using session = new Session({ ...quick, proxy: proxy.url, retry: false });

  const messages = await published("http://name.test", () => session.get("http://name.test/x"));

  assert.equal(messages[0]?.message.request.path, "/x");
});
