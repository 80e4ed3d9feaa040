import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import axios, { AxiosError, CanceledError, isAxiosError, type AxiosInstance } from "axios";
import { bearerAuth, Session, type SessionOptions } from "@holdfast/http";
import { attach } from "@holdfast/http/axios";
import {
  close,
  cut,
  faultOrigin,
  redirect,
  refusedPort,
  respond,
  silence,
  type FaultOrigin,
  type Routes,
} from "@holdfast/http/testing";

const quick = { trustEnvironment: false, retry: { total: 3, backoffFactor: 0 } } as const;

interface Attached {
  readonly client: AxiosInstance;
  readonly origin: FaultOrigin;
  readonly detach: () => void;
}

async function attached(t: TestContext, routes: Routes, options: SessionOptions = quick): Promise<Attached> {
  const origin = await faultOrigin({ routes });
  const session = new Session(options);
  const client = axios.create({ baseURL: origin.url });
  const detach = attach(client, session);
  t.after(async () => {
    await session.close();
    await origin.close();
  });
  return { client, origin, detach };
}

async function errorOf(call: Promise<unknown>): Promise<AxiosError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(isAxiosError(error), String(error));
  return error;
}

test("an attached axios survives failures, and each attempt has the whole body", async (t) => {
  const routes = { "/a": [respond(503), close(), respond(200, { body: '{"ok":true}' })] };
  const { client, origin } = await attached(t, routes);

  const { data } = await client.put<unknown>("/a", { name: "value" });

  assert.deepEqual(data, { ok: true });
  assert.deepEqual(
    origin.requests.map(({ body, headers }) => [body.toString(), headers["content-type"]]),
    Array.from({ length: 3 }, () => ['{"name":"value"}', "application/json"]),
  );
});

const bodies: readonly (readonly [what: string, body: () => unknown, length: number])[] = [
  ["two megabytes of text", () => "x".repeat(2_000_000), 2_000_000],
  ["two megabytes of bytes", () => Buffer.alloc(2_000_000, "y"), 2_000_000],
  ["parameters", () => new URLSearchParams({ a: "1", b: "2" }), 7],
  ["a blob", () => new Blob(["z".repeat(2_000_000)]), 2_000_000],
];

for (const [what, body, length] of bodies) {
  test(`axios sends ${what} whole after a retry`, async (t) => {
    const { client, origin } = await attached(t, { "/a": [respond(503), respond(200)] });

    await client.put("/a", body());

    assert.deepEqual(
      origin.requests.map((request) => request.body.length),
      [length, length],
    );
  });
}

test("axios sends a form whole after a retry, with one boundary", async (t) => {
  const { client, origin } = await attached(t, { "/a": [respond(503), respond(200)] });
  const form = new FormData();
  form.set("file", new Blob(["content"]), "name.txt");

  await client.putForm("/a", form);

  const [first, second] = origin.requests;
  const [, boundary] = /boundary=(.*)$/.exec(String(second?.headers["content-type"])) ?? [];
  assert.match(String(second?.body), /name\.txt[^]*content/);
  assert.ok(String(second?.body).includes(String(boundary)));
  assert.equal(String(first?.body), String(second?.body));
});

test("axios waits as Retry-After says", async (t) => {
  const { client, origin } = await attached(t, {
    "/a": [respond(429, { headers: { "retry-after": "1" } }), respond(200)],
  });

  const { status } = await client.get("/a");

  assert.equal(status, 200);
  assert.ok((origin.gaps("/a")[0] ?? 0) >= 990);
});

test("a status that stays an error is an AxiosError with its response", async (t) => {
  const { client, origin } = await attached(t, { "/a": respond(503, { body: "busy" }) });

  const error = await errorOf(client.get("/a"));

  assert.ok(error instanceof AxiosError);
  assert.deepEqual(
    [error.code, error.response?.status, error.response?.data],
    ["ERR_BAD_RESPONSE", 503, "busy"],
  );
  assert.equal(origin.requests.length, 4);
});

test("validateStatus, params and transforms work as in axios", async (t) => {
  const { client, origin } = await attached(t, { "/a": respond(404, { body: "none" }) });

  const { data, status } = await client.get<string>("/a", {
    params: { b: ["1", "2"] },
    validateStatus: () => true,
    transformResponse: (text: string) => text.toUpperCase(),
  });

  assert.deepEqual([status, data], [404, "NONE"]);
  assert.equal(origin.requests[0]?.target, "/a?b%5B%5D=1&b%5B%5D=2");
});

test("a refused connection is an AxiosError with the session's error as its cause", async () => {
  await using session = new Session({ ...quick, retry: false });
  const client = axios.create();
  attach(client, session);

  const error = await errorOf(client.get(`http://127.0.0.1:${await refusedPort()}/`));

  assert.equal(error.code, "ERR_NETWORK");
  assert.match(String(error.cause), /ECONNREFUSED/);
});

test("timeout covers all attempts, and cancellation stays that of axios", async (t) => {
  const { client } = await attached(t, { "/a": silence() });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);

  const late = await errorOf(client.get("/a", { timeout: 100 }));
  const cancelled = await errorOf(client.get("/a", { signal: controller.signal }));

  assert.match(String(late.code), /ECONNABORTED|ETIMEDOUT/);
  assert.ok(cancelled instanceof CanceledError);
});

test("axios follows redirects, and the session's credentials stay at their origin", async (t) => {
  await using other = await faultOrigin({
    host: "127.0.0.2",
    routes: { "/b": respond(200, { body: "there" }) },
  });
  const { client, origin } = await attached(
    t,
    { "/a": redirect(`${other.url}/b`), "/c": redirect("/d") },
    { ...quick, auth: bearerAuth("s3cret") },
  );

  const { data } = await client.get<string>("/a");
  const manual = await errorOf(client.get("/c", { maxRedirects: 0 }));

  assert.equal(data, "there");
  assert.equal(origin.requests[0]?.headers["authorization"], "Bearer s3cret");
  assert.equal(other.requests[0]?.headers["authorization"], undefined);
  assert.equal(manual.response?.status, 302);
});

test("axios decodes a coded body, and gives bytes and a stream of Node", async (t) => {
  const { client } = await attached(t, {
    "/a": respond(200, { body: "x".repeat(100_000), coding: "gzip" }),
  });

  const whole = await client.get<string>("/a");
  const bytes = await client.get<ArrayBuffer>("/a", { responseType: "arraybuffer" });
  const stream = await client.get<Readable>("/a", { responseType: "stream" });

  assert.equal(whole.data.length, 100_000);
  assert.equal(bytes.data.byteLength, 100_000);
  assert.ok(stream.data instanceof Readable);
  assert.equal((await buffer(stream.data)).length, 100_000);
});

test("progress of uploads and downloads is reported", async (t) => {
  const { client } = await attached(t, { "/a": respond(200, { body: "x".repeat(100_000) }) });
  const loaded: number[] = [];

  await client.post("/a", "y".repeat(200_000), {
    onUploadProgress: (event) => loaded.push(event.loaded),
    onDownloadProgress: (event) => loaded.push(event.loaded),
  });

  assert.ok(loaded.includes(200_000));
  assert.ok(loaded.includes(100_000));
});

test("a body that breaks off is an AxiosError", async (t) => {
  const { client } = await attached(
    t,
    { "/a": cut(respond(200, { body: "z".repeat(1_000) }), { beforeEnd: 10 }) },
    { ...quick, retry: false },
  );

  const error = await errorOf(client.get("/a"));

  assert.ok(error.cause instanceof TypeError);
});

const refused: readonly (readonly [option: string, value: unknown])[] = [
  ["proxy", { host: "127.0.0.1", port: 1 }],
  ["httpAgent", {}],
  ["httpsAgent", {}],
  ["lookup", () => undefined],
  ["family", 4],
  ["socketPath", "/run/x.sock"],
  ["beforeRedirect", () => undefined],
  ["maxRedirects", 5],
  ["maxRate", 1_000],
  ["transport", {}],
  ["decompress", false],
  ["responseEncoding", "latin1"],
  ["httpVersion", 2],
];

for (const [option, value] of refused) {
  test(`an attached axios refuses the option ${option} by its name`, async (t) => {
    const { client, origin } = await attached(t, { "/a": respond(200) });

    await assert.rejects(client.get("/a", { [option]: value }), {
      name: "TypeError",
      message: new RegExp(`The option ${option} of axios does not apply`),
    });
    assert.equal(origin.requests.length, 0);
  });
}

test("a default that the fetch adapter lacks is refused when axios is attached", () => {
  const client = axios.create({ proxy: { host: "127.0.0.1", port: 1 } });

  assert.throws(() => attach(client), /The option proxy of axios/);
});

test("an instance has its own adapter again after it is detached, and can be attached again", async (t) => {
  const { client, origin, detach } = await attached(t, { "/a": respond(503) });
  const other = axios.create();

  assert.throws(() => attach(client), /already attached/);
  detach();
  detach();
  await errorOf(client.get("/a", { maxRedirects: 5, family: 4 }));

  assert.equal(origin.requests.length, 1);
  assert.deepEqual(client.defaults.adapter, other.defaults.adapter);
  const again = attach(client, quick);
  await errorOf(client.get("/a"));
  again();
  assert.equal(origin.requests.length, 5);
});

test("attach refuses a value that is not axios", () => {
  assert.throws(() => attach({} as never), /attach takes an instance of axios, got an object/);
});
