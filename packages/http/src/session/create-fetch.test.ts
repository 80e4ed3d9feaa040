import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { chunked, cut, faultOrigin, respond, stall } from "../testing/index.ts";
import { createFetch } from "./create-fetch.ts";
import { Session } from "./session.ts";

const quick = { trustEnvironment: false, retry: { backoffFactor: 0.001 } } as const;
const twice = [respond(503), respond(200, { body: "done" })] as const;

test("has the name and the length of the platform's fetch", () => {
  const fetch = createFetch(quick);

  assert.deepEqual([fetch.name, fetch.length], ["fetch", 1]);
});

test("repeats a GET, and returns a Response of the platform", async () => {
  await using origin = await faultOrigin({ routes: { "*": twice } });
  const fetch = createFetch(quick);

  const response = await fetch(`${origin.url}/a#part`);

  assert.ok(response instanceof Response);
  assert.deepEqual(
    [response.status, response.type, response.url, await response.text()],
    [200, "basic", `${origin.url}/a`, "done"],
  );
});

const form = new FormData();
form.set("name", "value");
const bodies: Readonly<Record<string, NonNullable<RequestInit["body"]>>> = {
  "a string": "häll\ud800o",
  bytes: Buffer.from("bytes"),
  parameters: new URLSearchParams({ a: "b c" }),
  "a form": form,
  "a blob": new Blob(["blob"], { type: "text/x" }),
  "large bytes": Buffer.alloc(2_000_000, "x"),
  "a large blob": new Blob([Buffer.alloc(2_000_000, "y")]),
};

for (const [what, body] of Object.entries(bodies)) {
  test(`sends ${what} again, and whole`, async () => {
    await using origin = await faultOrigin({ routes: { "*": twice } });
    // Not the first call, which takes another way.
    const fetch = createFetch(quick);
    await fetch("data:,");

    const response = await fetch(origin.url, { method: "PUT", body });

    const expected = new Uint8Array(await new Response(body).arrayBuffer());
    const sent = origin.requests.map((request) => request.body);
    assert.equal(response.status, 200);
    assert.equal(sent.length, 2);
    assert.deepEqual(sent[0], sent[1]);
    if (body !== form) assert.deepEqual(new Uint8Array(sent[0] ?? []), expected);
    else assert.match(String(sent[0]), /name="name"\r\n\r\nvalue/);
  });
}

test("sends a large form again, with the boundary of the platform", async () => {
  await using origin = await faultOrigin({ routes: { "*": twice } });
  const fetch = createFetch(quick);
  const large = new FormData();
  large.set("file", new File([Buffer.alloc(2_000_000, "z")], 'big "one".bin'));
  await fetch("data:,");

  const { status } = await fetch(origin.url, { method: "PUT", body: large });

  const [first, second] = origin.requests;
  const boundary = /boundary=(.*)/.exec(String(first?.headers["content-type"]))?.[1] ?? "";
  assert.deepEqual([status, origin.requests.length], [200, 2]);
  assert.equal(Number(first?.headers["content-length"]), first?.body.length);
  assert.deepEqual(first?.body, second?.body);
  assert.ok(String(first?.body.subarray(0, 100)).includes(boundary));
});

test("sends a POST that may have arrived once", async () => {
  await using origin = await faultOrigin({ routes: { "*": twice } });
  const fetch = createFetch(quick);

  const { status } = await fetch(origin.url, { method: "POST", body: "order" });

  assert.deepEqual([status, origin.requests.length], [503, 1]);
});

test("repeats a POST with an Idempotency-Key", async () => {
  await using origin = await faultOrigin({ routes: { "*": twice } });
  const fetch = createFetch(quick);

  const { status } = await fetch(origin.url, {
    method: "POST",
    body: "order",
    headers: { "Idempotency-Key": "1" },
  });

  assert.deepEqual([status, origin.requests.length], [200, 2]);
});

const closed = respond(429, {
  headers: { "retry-after": "2000", "x-limit": "a", "content-type": "application/json" },
  body: '{"error":"slow down"}',
});

test("answers a closed rate limit with the 429 that closed it, and the wait that is left", async () => {
  await using origin = await faultOrigin({ routes: { "*": [closed, respond(200)] } });
  const fetch = createFetch(quick);
  await fetch(origin.url);

  const response = await fetch(origin.url);

  const left = Number(response.headers.get("retry-after"));
  assert.deepEqual(
    [response.status, response.headers.get("x-limit"), await response.json()],
    [429, "a", { error: "slow down" }],
  );
  assert.ok(left > 1_900 && left <= 2_000, `retry-after ${left}`);
  assert.equal(origin.requests.length, 1);
});

test("waits for no rate limit without a bound, whatever the rule says", async () => {
  await using origin = await faultOrigin({ routes: { "*": closed } });
  const fetch = createFetch({ ...quick, retry: { onLongRetryAfter: "wait", retryAfterMax: Infinity } });

  const statuses = [(await fetch(origin.url)).status, (await fetch(origin.url)).status];

  assert.deepEqual(statuses, [429, 429]);
});

test("sends the credentials of the session to the first origin alone", async () => {
  await using other = await faultOrigin({ routes: { "*": respond(200) } });
  await using origin = await faultOrigin({
    routes: { "*": respond(302, { headers: { location: `${other.url}/moved` } }) },
  });
  await using session = new Session({ ...quick, headers: { "x-api-key": "secret", "x-plain": "1" } });

  const response = await session.fetch(`${origin.url}/`);

  assert.deepEqual([response.redirected, response.url], [true, `${other.url}/moved`]);
  const [first, second] = [origin.requests[0]?.headers, other.requests[0]?.headers];
  assert.deepEqual([first?.["x-api-key"], first?.["x-plain"]], ["secret", "1"]);
  assert.deepEqual([second?.["x-api-key"], second?.["x-plain"]], [undefined, "1"]);
});

test("a dispatcher of the caller sends instead of the session", async () => {
  const fetch = createFetch(quick);
  const mine = new Error("mine");
  const dispatcher = {
    dispatch: () => {
      throw mine;
    },
  };

  await assert.rejects(
    fetch("http://a.test/", { dispatcher } as object),
    (error: Error) => error.cause === mine,
  );
});

test("rejects instead of throwing, and with the reason of the signal", async () => {
  const fetch = createFetch(quick);
  const reason = new Error("enough");

  await assert.rejects(fetch("not a url"), TypeError);
  await assert.rejects(fetch("http://127.0.0.1:1/", { signal: AbortSignal.abort(reason) }), reason);
});

test("resolves relative URLs against the baseUrl of the session", async () => {
  await using origin = await faultOrigin({ routes: { "*": respond(200) } });
  const fetch = createFetch({ ...quick, baseUrl: `${origin.url}/v1` });

  await fetch("/users?a=1");

  assert.equal(origin.requests[0]?.target, "/v1/users?a=1");
});

test("rejects when the session is closed", async () => {
  const session = new Session(quick);
  const { fetch } = session;
  await session.close();

  await assert.rejects(
    fetch("http://127.0.0.1:9998/"),
    ({ cause }: Error) => (cause as Error).name === "SessionClosedError",
  );
});

test("requests a short body that breaks off again, before its head is passed on", async () => {
  const body = JSON.stringify({ name: "whole" });
  for (const broken of [
    cut(respond(200, { body }), { atBody: 4 }),
    cut(chunked(200, [body], { headers: { "content-type": "application/json" } }), { atBody: 4 }),
  ]) {
    await using origin = await faultOrigin({ routes: { "*": [broken, respond(200, { body })] } });
    const fetch = createFetch(quick);

    const response = await fetch(origin.url);

    assert.deepEqual(await response.json(), { name: "whole" });
    assert.equal(origin.requests.length, 2);
  }
});

test("passes a body on as it arrives when it takes long, or is a stream of events", async () => {
  for (const type of ["application/json", "text/event-stream"]) {
    await using origin = await faultOrigin({
      routes: { "*": stall(chunked(200, ["a", "b"], { headers: { "content-type": type } }), { atBody: 6 }) },
    });
    const fetch = createFetch(quick);
    const abort = new AbortController();

    const response = await fetch(origin.url, { signal: abort.signal });

    const { value } = (await response.body?.getReader().read()) ?? {};
    assert.equal(Buffer.from(value ?? []).toString(), "a");
    abort.abort();
  }
});

function warnings(t: TestContext): string[] {
  const seen: string[] = [];
  const listen = (warning: Error & { code?: string }): void => void seen.push(warning.code ?? "");
  process.on("warning", listen);
  t.after(() => process.off("warning", listen));
  return seen;
}

for (const [client, headers] of Object.entries({
  openai: [{ "x-stainless-retry-count": "0" }, { "x-stainless-retry-count": "1" }],
  stripe: [{ "idempotency-key": "a" }, { "idempotency-key": "a" }],
  "the AWS SDK": [{ "amz-sdk-request": "attempt=1; max=3" }, { "amz-sdk-request": "attempt=2; max=3" }],
})) {
  test(`warns once when ${client} repeats requests as well`, async (t) => {
    await using origin = await faultOrigin({ routes: { "*": respond(503) } });
    const fetch = createFetch(quick);
    const seen = warnings(t);

    for (const each of [...headers, ...headers]) {
      await fetch(origin.url, { method: "POST", headers: each });
      await setImmediate();
    }

    assert.deepEqual(seen, ["HOLDFAST_NESTED_RETRIES"]);
  });
}

test("warns of no nested retries without retries of its own", async (t) => {
  await using origin = await faultOrigin({ routes: { "*": respond(503) } });
  const fetch = createFetch({ ...quick, retry: 0 });
  const seen = warnings(t);

  await fetch(origin.url, { headers: { "x-stainless-retry-count": "1" } });
  await setImmediate();

  assert.deepEqual(seen, []);
});
