import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { createReadStream, openAsBlob } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { BodyInit, RequestOptions, Session } from "@holdfast/http";
import { refusedPort, reset, respond, type FaultOrigin } from "@holdfast/http/testing";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { faultOrigin, test, urlAt } from "./protocol.ts";
import { outcomeOf, sessionFor, type Result } from "./scenario.ts";

const content = "the whole upload";
const done = respond(200, { body: "done" });
const busy = respond(503, { body: "busy" });
const missing = "/no/such/file";

async function* generate(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("the whole ");
  yield Buffer.from("upload");
}

/** Gives 15 bytes, which the server has long received when another one follows. */
async function* generateSlowly(): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content.slice(0, 15));
  await pause(40);
  yield Buffer.from(content.slice(15));
}

/** Sends one request to an origin, and returns the outcome and the origin. */
async function put(
  options: RequestOptions,
  replies: readonly ReturnType<typeof respond>[] = [done],
): Promise<Result & { readonly requests: FaultOrigin["requests"] }> {
  await using server = await faultOrigin({ routes: { "/": [...replies] } });
  await using session = await sessionFor();
  const result = await outcomeOf(session.put(`${server.url}/`, options));
  return { ...result, requests: server.requests };
}

function bodiesOf(requests: FaultOrigin["requests"]): readonly string[] {
  return requests.filter(({ bodyComplete }) => bodyComplete).map(({ body }) => body.toString());
}

/** A stream that fails after a while, whether it is read or not. */
function failing(delay: number): Readable {
  const stream = new PassThrough();
  setTimeout(() => stream.destroy(new Error("the disk is gone")), delay);
  return stream;
}

// An error without a listener ends the process, and with it these tests.
const refusals: readonly (readonly [
  what: string,
  call: (session: Session, body: BodyInit) => Promise<unknown>,
])[] = [
  [
    "with an unknown option",
    (session, body) => session.put("http://127.0.0.1/", { body, wrong: 1 } as object),
  ],
  ["with an invalid URL", (session, body) => session.put("no url", { body })],
  ["with an invalid method", (session, body) => session.request("A B", "http://127.0.0.1/", { body })],
  ["with body and json", (session, body) => session.put("http://127.0.0.1/", { body, json: 1 })],
  [
    "with an aborted signal",
    (session, body) => session.put("http://127.0.0.1/", { body, signal: AbortSignal.abort() }),
  ],
  [
    "as a download of a HEAD",
    (session, body) => session.download("http://127.0.0.1/", "/tmp/x", { method: "HEAD", body }),
  ],
];

for (const [what, call] of refusals) {
  test(`request-body: a file stream that fails after a call was refused ${what} does not end the process`, async () => {
    await using session = await sessionFor();
    const body = createReadStream(missing);

    await assert.rejects(call(session, body), (error: Error) => !error.message.includes("ENOENT"));
    await new Promise<void>((resolve) => void body.once("close", resolve));

    assert.ok(body.destroyed);
  });
}

test("request-body: a rejected promise as the body is refused, and does not end the process", async () => {
  await using session = await sessionFor();
  const body = readFile(missing);

  const { error } = await outcomeOf(session.put("http://127.0.0.1/", { body: body as unknown as BodyInit }));

  assert.match(String(error), /^TypeError: body must be .* got a promise: await it first$/);
  await new Promise((resolve) => setTimeout(resolve, 50));
});

test("request-body: a stream that fails in a queue ends its call with its own error", async () => {
  await using origin = await faultOrigin({ routes: { "/": [[{ wait: 300 }, ...done]] } });
  await using session = await sessionFor({ adapter: { maxConnections: 1 }, timeout: { read: "5s" } });
  const first = session.get(`${origin.url}/`);

  const { error } = await outcomeOf(session.put(`${origin.url}/`, { body: createReadStream(missing) }));

  assert.equal(Reflect.get(error ?? {}, "code"), "ENOENT");
  assert.equal((await first).status, 200);
  assert.equal(origin.requests.length, 1);
});

test("request-body: a stream that fails in a back-off ends its call immediately", async () => {
  await using session = await sessionFor({
    retry: { backoffFactor: "60s", backoffJitter: 0, backoffMax: "60s" },
  });
  const began = performance.now();

  const port = await refusedPort();
  const { error } = await outcomeOf(session.put(`${urlAt(port)}/`, { body: failing(200) }));

  assert.match(String(error), /the disk is gone/);
  assert.ok(performance.now() - began < 10_000);
});

test("request-body: a stream that fails while a rate limit is waited for ends its call immediately", async () => {
  const limited = respond(429, { headers: { "retry-after": "30" } });
  await using origin = await faultOrigin({ routes: { "/": limited } });
  await using session = await sessionFor();
  void session.get(`${origin.url}/`).catch(() => undefined);
  while (origin.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const began = performance.now();

  const { error } = await outcomeOf(session.put(`${origin.url}/`, { body: failing(200) }));

  assert.match(String(error), /the disk is gone/);
  assert.ok(performance.now() - began < 10_000);
  assert.equal(origin.requests.length, 1);
});

const used: readonly (readonly [what: string, make: () => Promise<BodyInit> | BodyInit, reason: RegExp])[] = [
  [
    "a stream that was read",
    async () => {
      const stream = Readable.from([Buffer.from(content)]);
      for await (const _ of stream);
      return stream;
    },
    /it was already read/,
  ],
  [
    "a stream that was read in part",
    async () => {
      const stream = new PassThrough();
      stream.write(content);
      stream.write(content);
      await new Promise((resolve) => stream.once("data", resolve));
      return stream.pause();
    },
    /it was already read/,
  ],
  ["a destroyed stream", () => Readable.from([Buffer.from(content)]).destroy(), /it was destroyed/],
  [
    "a stream that has failed",
    async () => {
      const stream = createReadStream(missing);
      await new Promise((resolve) => stream.once("error", resolve));
      return stream;
    },
    /it failed before it was read/,
  ],
  [
    "a web stream that was read",
    async () => {
      const stream = new Blob([content]).stream();
      for await (const _ of stream);
      return stream;
    },
    /it was already read/,
  ],
  [
    "a cancelled web stream",
    async () => {
      const stream = new Blob([content]).stream();
      await stream.cancel();
      return stream;
    },
    /it was already read/,
  ],
  [
    "a locked web stream",
    () => {
      const stream = new Blob([content]).stream();
      stream.getReader();
      return stream;
    },
    /it is locked by another reader/,
  ],
  [
    "a generator that has run",
    async () => {
      const generator = generate();
      for await (const _ of generator);
      return generator;
    },
    /it is an iterator that has already run/,
  ],
];

for (const [what, make, reason] of used) {
  test(`request-body: rejects ${what} before anything is sent`, async () => {
    const { error, requests } = await put({ body: await make() });

    assert.equal(error?.constructor, TypeError);
    assert.match(error.message, reason);
    assert.deepEqual(bodiesOf(requests), []);
  });

  test(`request-body: rejects a function that returns ${what}`, async () => {
    const body = await make();
    const { error, requests } = await put({ body: (() => body) as BodyInit });

    assert.equal(error?.constructor, TypeError);
    assert.match(error.message, /^The body cannot be sent: its function returned a stream that /);
    assert.deepEqual(bodiesOf(requests), []);
  });
}

for (const [what, body] of [
  ["Node stream", Readable.from([Buffer.from(content)])],
  ["web stream", new Blob([content]).stream()],
  ["generator", generate()],
] as const) {
  test(`request-body: rejects the second attempt if a function returns the same ${what}`, async () => {
    const { error, requests } = await put({ body: () => body }, [busy, done]);

    assert.equal(Reflect.get(error ?? {}, "code"), "ERR_BODY_NOT_REPLAYABLE");
    assert.match(
      String(Reflect.get(error ?? {}, "reason")),
      /^its function returned a stream that was already /,
    );
    assert.deepEqual(bodiesOf(requests), [content]);
  });
}

test(`request-body: sends empty streams that were not used`, async () => {
  async function* nothing(): AsyncGenerator<Uint8Array> {}
  for (const body of [Readable.from([]), nothing, () => nothing(), new Blob([]), new Blob([]).stream()]) {
    const { response, requests } = await put({ body: body as BodyInit });

    assert.equal(response?.status, 200);
    assert.deepEqual(bodiesOf(requests), [""]);
  }
});

for (const [declared, what] of [
  ["15", "longer"],
  ["17", "shorter"],
  ["0", "longer"],
] as const) {
  for (const [kind, make] of [
    ["string", () => content],
    ["Node stream", () => Readable.from([Buffer.from(content)])],
    ["generator function", () => generate],
    ["stream whose first piece has 15 bytes", () => generateSlowly],
    ["blob", () => new Blob([content])],
  ] as const) {
    test(`request-body: rejects a ${kind} that is ${what} than its Content-Length ${declared}`, async () => {
      const { error, requests } = await put({ body: make(), headers: { "content-length": declared } });

      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, /^The body must have the \d+ bytes of its Content-Length header, got /);
      assert.deepEqual(bodiesOf(requests), []);
    });
  }
}

test(`request-body: rejects a Content-Length without a body`, async () => {
  const { error, requests } = await put({ headers: { "content-length": "3" } });

  assert.ok(error instanceof TypeError, String(error));
  assert.equal(requests.length, 0);
});

test(`request-body: functions of the body run in the context of their own call`, async () => {
  const calls = new AsyncLocalStorage<string>();
  const seen: string[] = [];
  const note = (where: string): void => void seen.push(`${where}: ${calls.getStore()}`);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    note("first piece");
    yield Buffer.from("a");
    note("second piece");
    await new Promise((resolve) => setTimeout(resolve, 10));
    note("end");
  }
  const readable = (): Readable =>
    new Readable({
      read() {
        note("read");
        this.push(null);
      },
    });
  const factory = (): AsyncGenerator<Uint8Array> => {
    note("factory");
    return pieces();
  };
  const bodies: readonly BodyInit[] = [pieces, pieces(), factory, readable, readable()];
  await using origin = await faultOrigin({ routes: { "/": [[{ wait: 20 }, ...done]] } });
  await using session = await sessionFor({
    adapter: { maxConnections: 1 },
    timeout: { read: "5s" },
  });

  const other = calls.run("another call", () => session.get(`${origin.url}/`));
  const sent = bodies.map((body) => calls.run("this call", () => session.put(`${origin.url}/`, { body })));
  await Promise.all([other, ...sent]);

  assert.equal(seen.length, 3 + 3 + 4 + 1 + 1);
  assert.deepEqual(
    seen.filter((line) => !line.endsWith(": this call")),
    [],
  );
});

test(`request-body: sends a blob and a form with it completely, on both attempts`, async () => {
  const parts = Array.from({ length: 300 }, (_, index) => Buffer.alloc(10_000, `${index} `));
  const blob = new Blob(parts);
  const form = new FormData();
  form.set("file", blob);
  form.set("field", "x".repeat(100_000));
  for (const body of [blob, form]) {
    const { response, requests } = await put({ body }, [busy, done]);
    const [first = "", second] = bodiesOf(requests);

    assert.equal(response?.status, 200);
    assert.ok(first.includes(Buffer.concat(parts).toString()));
    assert.equal(first === second, true);
  }
});

test(`request-body: a form whose file has changed rejects the call`, async () => {
  await using directory = await temporaryDirectory("form");
  const file = join(directory.path, "upload");
  await writeFile(file, "x".repeat(100_000));
  const form = new FormData();
  form.set("file", await openAsBlob(file));
  await writeFile(file, "x".repeat(99_999));

  const { error, requests } = await put({ body: form });

  assert.equal(error?.name, "NotReadableError");
  assert.deepEqual(bodiesOf(requests), []);
});

test("request-body: two calls cannot send one stream", async () => {
  await using origin = await faultOrigin({ routes: { "/": done } });
  await using session = await sessionFor();
  const body = Readable.from([Buffer.from("the whole "), Buffer.from("upload")]);

  const results = await Promise.all([1, 2].map(() => outcomeOf(session.put(`${origin.url}/`, { body }))));

  assert.deepEqual(
    results.map(({ response, error }) => response?.status ?? error?.constructor),
    [200, TypeError],
  );
  assert.deepEqual(bodiesOf(origin.requests), [content]);
});

test("request-body: a one-shot stream that another reader used between two attempts is not sent", async () => {
  const port = await refusedPort();
  await using session = await sessionFor({ retry: { backoffFactor: "100ms" } });
  const body = Readable.from([Buffer.from(content)]);
  const call = outcomeOf(session.put(`${urlAt(port)}/`, { body }));
  for await (const _ of body);
  await using origin = await faultOrigin({ port, routes: { "/": done } });

  const { error } = await call;

  assert.equal(error?.constructor, TypeError);
  assert.deepEqual(bodiesOf(origin.requests), []);
});

test("request-body: a form with a Content-Type of the caller gets its boundary", async () => {
  const form = new FormData();
  form.set("name", "Ada");
  for (const type of ["multipart/form-data", "multipart/form-data; boundary=mine"]) {
    const { requests } = await put({ body: form, headers: { "Content-Type": type } });
    const [{ headers, body } = assert.fail()] = requests;

    const delimiter = /^--([^\r\n]+)/.exec(body.toString())?.[1] ?? assert.fail();
    assert.equal(headers["content-type"], `multipart/form-data; boundary=${delimiter}`);
    assert.equal(headers["content-length"], String(body.length));
  }
});

test("request-body: a form with a Content-Type that no server could parse is refused", async () => {
  const { error, requests } = await put({
    body: new FormData(),
    headers: { "content-type": "application/json" },
  });

  assert.match(
    String(error),
    /^TypeError: A form is sent as multipart\/form-data: remove the header content-type/,
  );
  assert.equal(requests.length, 0);
});

test("request-body: a form is read again after its connection was reset", async () => {
  await using directory = await temporaryDirectory("form");
  const file = join(directory.path, "upload");
  await writeFile(file, "x".repeat(100_000));
  const form = new FormData();
  form.set("file", await openAsBlob(file));

  const { response, requests } = await put({ body: form }, [reset(), busy, done]);

  assert.equal(response?.status, 200);
  assert.equal(requests.length, 3);
  assert.equal(new Set(requests.map(({ body }) => body.toString())).size, 1);
});

test("request-body: a body without its first piece does not outlive the deadline", async () => {
  const pending = new Promise<void>(() => undefined);
  async function* never(): AsyncGenerator<Uint8Array> {
    await pending;
    yield Buffer.from("late");
  }

  for (const body of [never, never(), new PassThrough()]) {
    const { error, requests } = await put({ body, timeout: { total: 150, read: "5s" } });

    assert.equal(Reflect.get(error ?? {}, "code"), "ERR_DEADLINE");
    assert.deepEqual(bodiesOf(requests), []);
  }
});

test("request-body: a stream that the caller destroys ends the call with the error of the stream", async () => {
  const body = new PassThrough();
  body.write("some");
  const call = put({ body });
  while (!body.readableDidRead) await pause(5);
  body.destroy();

  const { error, requests } = await call;

  assert.equal(Reflect.get(error ?? {}, "code"), "ERR_STREAM_PREMATURE_CLOSE");
  assert.deepEqual(bodiesOf(requests), []);
});

test("request-body: refuses an async function, whose rejection does not end the process", async () => {
  const body = async (): Promise<never> => Promise.reject(new Error("rejected"));

  const { error } = await put({ body: body as unknown as BodyInit });

  assert.match(String(error), /^TypeError: The function of a body must return a stream, got a promise/);
  await new Promise((resolve) => setTimeout(resolve, 20));
});
