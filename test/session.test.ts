import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  basicAuth,
  bearerAuth,
  digestAuth,
  isFailure,
  Retry,
  Session,
  TooManyRedirectsError,
  type Auth,
  type StandardSchema,
} from "@holdfast/http";
import { httpbin, type Httpbin } from "./support/httpbin.ts";
import { nginx } from "./support/nginx.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

let bin: Httpbin;

before(async () => {
  bin = await httpbin();
});

after(() => bin[Symbol.asyncDispose]());

const atOnce = new Retry({ total: 2, statusForcelist: [503], raiseOnStatus: false });

interface Echo {
  readonly args: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
  readonly data: string;
  readonly json: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

// Who asks

const digests = ["MD5", "SHA-256"].flatMap((algorithm) =>
  ["auth", "auth/never"].map((rest): [string, Auth] => [
    `/digest-auth/${rest.replace("auth", "auth/ann/secret/" + algorithm)}`,
    digestAuth("ann", "secret"),
  ]),
);

const welcomes: readonly (readonly [path: string, auth: Auth | undefined, requests: number])[] = [
  ["/basic-auth/ann/secret", basicAuth("ann", "secret"), 1],
  ["/hidden-basic-auth/ann/secret", basicAuth("ann", "secret"), 1],
  ["/bearer", bearerAuth("token"), 1],
  ["/bearer", bearerAuth(async () => "token"), 1],
  ...digests.map(([path, auth]): [string, Auth, number] => [path, auth, 2]),
];

for (const [path, auth, requests] of welcomes) {
  test(`httpbin: ${path} accepts the right credentials in ${requests === 1 ? "one request" : "two requests"}`, async () => {
    let seen = 0;
    await using session = new Session({
      ...(auth !== undefined && { auth }),
      hooks: { response: [() => void (seen += 1)] },
    });

    const response = await session.get(bin.url + path);

    assert.deepEqual([response.status, response.attempts.length, seen], [200, 1, requests]);
  });
}

test("httpbin: credentials in the URL work, and appear in no message", async () => {
  await using session = new Session();
  const named = bin.url.replace("http://", "http://ann:s3cret@");

  const right = await session.get(`${named}/basic-auth/ann/s3cret`);
  const wrong = await session.get(`${named}/basic-auth/ann/other?token=s3cret`);

  assert.deepEqual(
    [right.status, wrong.status, wrong.verdict.advice],
    [200, 401, "Check the credentials: they are missing, wrong or expired"],
  );
  assert.throws(
    () => wrong.raiseForStatus(),
    (error: Error) => !error.message.includes("s3cret"),
  );
});

test("httpbin: a digest challenge serves for later requests, and a wrong password is rejected", async () => {
  const statuses: number[] = [];
  await using session = new Session({
    auth: digestAuth("ann", "secret"),
    hooks: { response: [({ status }) => void statuses.push(status)] },
  });

  await session.get(`${bin.url}/digest-auth/auth/ann/secret`);
  await session.get(`${bin.url}/digest-auth/auth/ann/secret`);
  await session.get(`${bin.url}/digest-auth/auth/ann/other`);

  assert.deepEqual(statuses.slice(0, 3), [401, 200, 200]);
  assert.deepEqual(statuses.slice(3), [401, 401]);
});

// What is kept, and where it goes

test("httpbin: cookies set by a redirect are sent afterwards, and can be removed", async () => {
  await using session = new Session();

  const set = await session.get(`${bin.url}/cookies/set?a=1&b=2`);
  await session.get(`${bin.url}/cookies/delete?a=`);
  const left = await session.get(`${bin.url}/cookies`).json();

  assert.deepEqual([await set.json(), set.history.length], [{ cookies: { a: "1", b: "2" } }, 1]);
  assert.deepEqual(left, { cookies: { b: "2" } });
});

for (const kind of ["redirect", "relative-redirect", "absolute-redirect"]) {
  test(`httpbin: /${kind}/4 is followed to its end, and listed in history`, async () => {
    await using session = new Session();

    const response = await session.get(`${bin.url}/${kind}/4`);

    assert.deepEqual(
      [response.status, response.url, response.history.map(({ status }) => status)],
      [200, `${bin.url}/get`, [302, 302, 302, 302]],
    );
  });
}

test("httpbin: one redirect too many is an error with the last response", async () => {
  await using session = new Session({ maxRedirects: 3 });

  await assert.rejects(
    session.get(`${bin.url}/redirect/4`),
    (error) => error instanceof TooManyRedirectsError && isFailure(error) && error.response?.status === 302,
  );
});

for (const [status, method] of [
  [301, "GET"],
  [302, "GET"],
  [303, "GET"],
  [307, "POST"],
  [308, "POST"],
] as const) {
  test(`httpbin: a POST redirected with ${status} arrives as a ${method}`, async () => {
    await using session = new Session();

    const response = await session.post(`${bin.url}/redirect-to`, {
      params: { url: "/anything", status_code: status },
      json: { a: 1 },
    });

    const echo = await response.json<Echo & { readonly method: string }>();
    assert.deepEqual([echo.method, echo.json], [method, method === "POST" ? { a: 1 } : null]);
  });
}

test("httpbin: credentials do not follow a redirect to another port", async () => {
  await using other = await httpbin();
  await using session = new Session({ auth: basicAuth("ann", "secret") });

  const away = await session
    .get(`${bin.url}/redirect-to`, { params: { url: `${other.url}/headers` } })
    .json<Echo>();
  const home = await session.get(`${bin.url}/redirect-to`, { params: { url: "/headers" } }).json<Echo>();

  assert.deepEqual(
    [away.headers["Authorization"], home.headers["Authorization"]],
    [undefined, "Basic YW5uOnNlY3JldA=="],
  );
});

// What is sent

const form = new FormData();
form.append("name", "Ann");
form.append("file", new Blob(["content"], { type: "text/plain" }), "notes.txt");

const bodies: readonly (readonly [
  what: string,
  options: Parameters<Session["post"]>[1],
  seen: Partial<Echo>,
])[] = [
  ["text", { body: "plain" }, { data: "plain" }],
  ["JSON", { json: { a: ["ü"] } }, { json: { a: ["ü"] } }],
  ["a form", { body: new URLSearchParams({ a: "b c", d: "ü" }) }, { form: { a: "b c", d: "ü" } }],
  ["a form with a file", { body: form }, { form: { name: "Ann" }, files: { file: "content" } }],
  ["a blob", { body: new Blob(["blob"]) }, { data: "blob" }],
  ["a stream", { body: new Blob(["streamed"]).stream() }, { data: "streamed" }],
  ["a stream from a factory", { body: () => new Blob(["made"]).stream() }, { data: "made" }],
  ["bytes", { body: new TextEncoder().encode("bytes") }, { data: "bytes" }],
];

for (const [what, options, seen] of bodies) {
  test(`httpbin: ${what} arrives unchanged`, async () => {
    await using session = new Session();

    const echo = await session.post(`${bin.url}/post`, options ?? {}).json<Echo>();

    for (const [field, value] of Object.entries(seen)) assert.deepEqual(echo[field as keyof Echo], value);
  });
}

test("httpbin: params and headers of a request override the session's, and default headers can be removed", async () => {
  await using session = new Session({
    params: { a: "1", b: "1" },
    headers: { "x-a": "session", "x-b": "session" },
  });

  const { args, headers } = await session
    .get(`${bin.url}/get?c=a%20b`, { params: { b: 2 }, headers: { "X-B": "request", "user-agent": "mine" } })
    .json<Echo>();

  assert.deepEqual(args, { a: "1", b: "2", c: "a b" });
  assert.deepEqual(
    [headers["X-A"], headers["X-B"], headers["User-Agent"], headers["Accept"]],
    ["session", "request", "mine", "*/*"],
  );
});

test("httpbin: every attempt of a POST has the same idempotency key", async () => {
  const keys: unknown[] = [];
  await using session = new Session({
    retry: atOnce,
    hooks: { request: [({ headers }) => void keys.push(headers["idempotency-key"])] },
  });

  const response = await session.post(`${bin.url}/status/503`, { body: "x", idempotencyKey: "auto" });

  assert.deepEqual([response.attempts.length, keys.length, new Set(keys).size], [3, 3, 1]);
});

// What comes back

for (const [status, kind] of [
  [204, "success"],
  [304, "success"],
  [400, "rejected"],
  [403, "blocked"],
  [418, "rejected"],
  [429, "throttled"],
  [500, "transient"],
] as const) {
  test(`httpbin: a ${status} means ${kind}`, async () => {
    await using session = new Session({ retry: new Retry({ total: 0 }) });

    const response = await session.get(`${bin.url}/status/${status}`);

    assert.deepEqual([response.status, response.verdict.kind], [status, kind]);
  });
}

const Title: StandardSchema<string> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const title = (value as { readonly args?: { readonly title?: unknown } }).args?.title;
      return typeof title === "string"
        ? { value: title }
        : { issues: [{ message: "no title", path: ["args", "title"] }] };
    },
  },
};

test("httpbin: json() checks a schema, and the error lists the mismatches", async () => {
  await using session = new Session();

  assert.equal(await session.get(`${bin.url}/get?title=Gr%C3%BCn`).json(Title), "Grün");
  await assert.rejects(session.get(`${bin.url}/get`).json(Title), {
    code: "ERR_SCHEMA",
    message: /args\.title: no title$/,
  });
  await assert.rejects(session.get(`${bin.url}/html`).json(), SyntaxError);
  await assert.rejects(session.get(`${bin.url}/status/404`).raiseForStatus().json(Title), {
    code: "ERR_STATUS",
  });
});

test("nginx: text is read in the charset that the server names", async () => {
  await using directory = await temporaryDirectory("charset");
  await writeFile(join(directory.path, "page.html"), Buffer.from("grün", "latin1"));
  await using server = await nginx({ root: directory.path, conf: "charset iso-8859-1;" });
  await using session = new Session();

  assert.equal(await session.get(`${server.url}/page.html`).text(), "grün");
});

test("nginx: headers beyond the server's limit are rejected by the server, not by the session", async () => {
  await using directory = await temporaryDirectory("large");
  await using server = await nginx({ root: directory.path, conf: "large_client_header_buffers 2 1k;" });
  await using session = new Session();

  const response = await session.get(`${server.url}/`, { headers: { "x-large": "x".repeat(4_000) } });

  assert.deepEqual(
    [response.status, response.attempts.length, response.verdict.reason],
    [400, 1, "http-400"],
  );
});

test("nginx: a compressed page arrives as it is on the disk", async () => {
  await using directory = await temporaryDirectory("gzip");
  const page = "All work and no play makes a dull page. ".repeat(5_000);
  await writeFile(join(directory.path, "page.html"), page);
  await using server = await nginx({ root: directory.path, conf: "gzip on; gzip_types text/html;" });
  await using session = new Session();

  const response = await session.get(`${server.url}/page.html`);

  const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
  assert.equal(response.headers.get("content-encoding"), "gzip");
  assert.equal(digest(await response.text()), digest(page));
});

test("nginx: a conditional request gets a 304, which is a success", async () => {
  await using directory = await temporaryDirectory("etag");
  await writeFile(join(directory.path, "page.html"), "page");
  await using server = await nginx({ root: directory.path });
  await using session = new Session();

  const first = await session.get(`${server.url}/page.html`);
  const second = await session.get(`${server.url}/page.html`, {
    headers: { "if-none-match": first.headers.get("etag") ?? "" },
  });

  assert.deepEqual(
    [second.status, second.content.byteLength, second.raiseForStatus() === second],
    [304, 0, true],
  );
});

test("nginx: redirects, a 503 with Retry-After and credentials work together", async () => {
  await using directory = await temporaryDirectory("mixed");
  await writeFile(join(directory.path, "page.html"), "page");
  await using server = await nginx({
    root: directory.path,
    conf: 'location = /old { return 301 /page.html; } location = /busy { add_header Retry-After 1 always; return 503; } location = /private { if ($http_authorization != "Bearer t") { return 401; } return 200 "in"; }',
  });
  await using session = new Session({
    retry: new Retry({ total: 1, statusForcelist: [503], raiseOnStatus: false }),
  });
  const began = performance.now();

  const [moved, busy, inside] = await Promise.all([
    session.get(`${server.url}/old`).text(),
    session.get(`${server.url}/busy`),
    session
      .get(`${server.url}/private`, { auth: bearerAuth((refused) => (refused === undefined ? "old" : "t")) })
      .text(),
  ]);

  assert.deepEqual(
    [moved, busy.status, busy.attempts[0]?.delaySource, inside],
    ["page", 503, "retry-after", "in"],
  );
  assert.ok(performance.now() - began >= 1_000);
});
