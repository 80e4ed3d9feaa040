import assert from "node:assert/strict";
import {
  chunked,
  cut,
  ranged,
  respond,
  selfSigned,
  resetStream,
  type Reply,
  type FaultOriginOptions,
  type RecordedRequest,
  type Rendition,
  type Routes,
} from "@holdfast/http/testing";
import { body, changed, cutAt, strong } from "./broken-page.ts";
import { faultOrigin, isOverHttp2, test } from "./protocol.ts";
import { outcomeOf, scenarios, sessionFor, type Scenario } from "./scenario.ts";

const text = body.toString();

/** The first response: cut after 80 000 of 200 000 bytes. */
function broken(headers: Readonly<Record<string, string>> = strong): Reply {
  return cut(respond(200, { headers, body }), { atBody: cutAt });
}

function then(...answers: readonly (Reply | ((request: RecordedRequest) => Reply))[]): FaultOriginOptions {
  return { routes: { "/": [broken(), ...answers] } };
}

function forged(changes: (rendition: Rendition) => Rendition): FaultOriginOptions {
  return then(ranged({ body, ...strong }, { forge: changes }));
}

/** Makes one call, and asserts the Range headers of the later requests. */
function asking(...ranges: readonly (string | undefined)[]): NonNullable<Scenario["ask"]> {
  return async (session, origin) => {
    const response = await session.get(`${origin.url}/`);
    assert.deepEqual(
      origin.requests.slice(1).map(({ headers }) => headers["range"]),
      ranges,
    );
    return response;
  };
}

const rest = "bytes=80000-";
const whole = { status: 200, body: text } as const;

const wholeAnswer = respond(200, { headers: strong, body });

scenarios({
  "body.resume-206": {
    origin: then(ranged({ body, ...strong })),
    ask: async (session, origin) => {
      const response = await asking(rest)(session, origin);
      assert.equal(origin.requests[1]?.headers["if-range"], '"v1"');
      assert.deepEqual(
        response.attempts.map(({ status, resumedFrom, decision }) => [status, resumedFrom, decision]),
        [
          [undefined, undefined, "retried"],
          [206, 80_000, "success"],
        ],
      );
      return response;
    },
    expect: { ...whole, attempts: 2, told: 2 },
  },
  "body.resume-etag-changed": {
    origin: then(ranged({ body: changed, etag: '"v2"' })),
    ask: asking(rest),
    expect: { status: 200, body: changed.toString(), attempts: 2 },
  },
  "body.resume-range-ignored": {
    origin: then(ranged({ body, ...strong }, { ignoreRange: true })),
    ask: asking(rest),
    expect: { ...whole, attempts: 2 },
  },
  "body.resume-forged-206": {
    origin: forged((part) => ({ ...part, body: part.body.subarray(1_000) })),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3, told: 2 },
  },
  "body.resume-weak-etag": {
    origin: {
      routes: { "/": [broken({ etag: 'W/"v1"' }), ranged({ body: changed, etag: 'W/"v1"' })] },
    },
    ask: asking(undefined),
    expect: { status: 200, body: changed.toString(), attempts: 2 },
  },
  "body.resume: a weak tag is not replaced by Last-Modified": {
    origin: {
      routes: {
        "/": [
          broken({
            etag: 'W/"v1"',
            "last-modified": "Mon, 02 Jan 2023 00:00:00 GMT",
            date: "Tue, 03 Jan 2023 00:00:00 GMT",
          }),
          wholeAnswer,
        ],
      },
    },
    ask: asking(undefined),
    expect: { ...whole, attempts: 2 },
  },
  "body.resume: an old Last-Modified is a strong validator": {
    origin: {
      routes: {
        "/": [
          broken({
            "last-modified": "Mon, 02 Jan 2023 00:00:00 GMT",
            date: "Mon, 02 Jan 2023 00:01:00 GMT",
          }),
          ranged({ body, lastModified: "Mon, 02 Jan 2023 00:00:00 GMT" }),
        ],
      },
    },
    ask: asking(rest),
    expect: { ...whole, attempts: 2 },
  },
  "body.resume: a recent Last-Modified is not a strong validator": {
    origin: {
      routes: {
        "/": [
          broken({
            "last-modified": "Mon, 02 Jan 2023 00:00:00 GMT",
            date: "Mon, 02 Jan 2023 00:00:59 GMT",
          }),
          wholeAnswer,
        ],
      },
    },
    ask: asking(undefined),
    expect: { ...whole, attempts: 2 },
  },
  "body.resume: a 206 of another version": {
    origin: forged((part) => ({ ...part, headers: replaced(part, "etag", '"v2"') })),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: a 206 without the validator": {
    origin: forged((part) => ({ ...part, headers: without(part, "etag") })),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: a 206 with a weak form of the validator": {
    origin: forged((part) => ({ ...part, headers: replaced(part, "etag", 'W/"v1"') })),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: a Content-Range with another first byte": {
    origin: forged((part) => ({
      ...part,
      headers: replaced(part, "content-range", "bytes 79999-199999/200000"),
    })),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: a Content-Range with another complete length": {
    origin: forged((part) => ({
      ...part,
      headers: replaced(part, "content-range", "bytes 80000-199999/300000"),
    })),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: a Content-Range without a complete length": {
    origin: forged((part) => ({ ...part, headers: replaced(part, "content-range", "bytes 80000-199999/*") })),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: a 206 with a Content-Range of bytes */n": {
    origin: forged((part) => ({ ...part, headers: replaced(part, "content-range", "bytes */200000") })),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: a 206 with several ranges": {
    origin: forged((part) => ({
      ...part,
      headers: [...without(part, "content-range"), ["content-type", "multipart/byteranges; boundary=x"]],
    })),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: an encoded 206": {
    origin: forged((part) => ({ ...part, headers: [...part.headers, ["content-encoding", "br"]] })),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: a chunked 206 with fewer bytes than its Content-Range": {
    origin: then(
      chunked(206, [body.subarray(cutAt, cutAt + 50)], {
        headers: { ...strong, "content-range": "bytes 80000-199999/200000" },
      }),
      wholeAnswer,
    ),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: a chunked 206": {
    origin: then(
      chunked(206, [body.subarray(cutAt, 150_000), body.subarray(150_000)], {
        headers: { ...strong, "content-range": "bytes 80000-199999/200000" },
      }),
    ),
    ask: asking(rest),
    expect: { ...whole, attempts: 2 },
  },
  "body.resume: a 412": {
    origin: then(respond(412), wholeAnswer),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3, told: 2 },
  },
  "body.resume: a 416": {
    origin: then(respond(416, { headers: { "content-range": "bytes */70000" } }), wholeAnswer),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3, told: 2 },
  },
  "body.resume: a 416 after the last byte, without the validator": {
    origin: atTheVeryEnd(respond(416, { headers: { "content-range": "bytes */200000" } })),
    ask: asking("bytes=200000-", undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: a 416 after the last byte, with the validator": {
    origin: atTheVeryEnd(respond(416, { headers: { ...strong, "content-range": "bytes */200000" } })),
    ask: asking("bytes=200000-"),
    expect: { ...whole, attempts: 2 },
  },
  "body.resume: a first response without a length": {
    origin: {
      routes: {
        "/": [
          [...chunked(200, [body.subarray(0, cutAt)], { headers: strong, last: false }), { end: "fin" }],
          ranged({ body, ...strong }),
        ],
      },
    },
    ask: asking(rest),
    expect: { ...whole, attempts: 2 },
  },
  "body.resume: an encoded body is requested again as a whole": {
    origin: {
      routes: {
        "/": [
          cut(respond(200, { headers: strong, coding: "gzip", body }), { atBody: 10_000 }),
          respond(200, { headers: strong, coding: "gzip", body }),
        ],
      },
    },
    ask: asking(undefined),
    expect: { ...whole, attempts: 2 },
  },
  "body.resume: a server without ranges receives a request for the whole": {
    origin: { routes: { "/": [broken({ ...strong, "accept-ranges": "none" }), wholeAnswer] } },
    ask: asking(undefined),
    expect: { ...whole, attempts: 2 },
  },
  "body.resume: the continuation breaks off twice, with a 503 in between": {
    origin: then(cutRange(100_000), respond(503), cutRange(120_000), ranged({ body, ...strong })),
    ask: asking(rest, "bytes=100000-", "bytes=100000-", "bytes=120000-"),
    expect: { ...whole, attempts: 5, told: 5 },
  },
  "body.resume: the part of an older version is discarded when a newer whole breaks off": {
    origin: then(
      cut(respond(200, { headers: { etag: '"v2"' }, body: changed }), { atBody: 30_000 }),
      ranged({ body: changed, etag: '"v2"' }),
    ),
    ask: asking(rest, "bytes=30000-"),
    expect: { status: 200, body: changed.toString(), attempts: 3 },
  },
  "body.resume: a 206 of another version that breaks off is discarded": {
    origin: then(
      cut(
        respond(206, {
          headers: { etag: '"v2"', "content-range": "bytes 80000-199999/200000" },
          body: changed.subarray(cutAt),
        }),
        { atBody: 9 },
      ),
      wholeAnswer,
    ),
    ask: asking(rest, undefined),
    expect: { ...whole, attempts: 3 },
  },
  "body.resume: a request with the caller's Range is not continued": {
    origin: then(wholeAnswer),
    request: { headers: { range: "bytes=0-" } },
    expect: { ...whole, attempts: 2 },
  },
  "body.resume: maxBytes applies to the joined body": {
    origin: {
      routes: {
        "/": [
          [...chunked(200, [body.subarray(0, cutAt)], { headers: strong, last: false }), { end: "fin" }],
          ranged({ body, ...strong }),
        ],
      },
    },
    request: { maxBytes: 150_000 },
    expect: { error: { code: "ERR_BODY_TOO_LARGE" }, attempts: 2 },
  },
});

function replaced({ headers }: Rendition, name: string, value: string): Rendition["headers"] {
  return headers.map((line) => (line[0] === name ? [name, value] : line));
}

function without({ headers }: Rendition, name: string): Rendition["headers"] {
  return headers.filter((line) => line[0] !== name);
}

/** The first response has all bytes, but not the last chunk. */
function atTheVeryEnd(answer: Reply): FaultOriginOptions {
  const first: Reply = [...chunked(200, [body], { headers: strong, last: false }), { end: "fin" }];
  return { routes: { "/": [first, answer, wholeAnswer] } };
}

/** Serves the requested range, up to this byte of the whole body. */
function cutRange(until: number): (request: RecordedRequest) => Reply {
  return (request) => {
    const from = Number(/\d+/.exec(request.headers["range"] ?? "")?.[0] ?? 0);
    return cut(ranged({ body, ...strong })(request), { atBody: until - from });
  };
}

test("body.resume: a body reset over HTTP/2 continues with a 206", async () => {
  const first: Reply = [
    ...cut(respond(200, { headers: strong, body }), { atBody: cutAt }).slice(0, -1),
    ...resetStream(),
  ];
  const routes: Routes = { "/": [first, ranged({ body, ...strong })] };
  await using origin = await faultOrigin({ routes, tls: selfSigned(), http2: true });
  await using session = await sessionFor({ adapter: { http2: true, tls: { rejectUnauthorized: false } } });

  const response = await session.get(`${origin.url}/`);

  assert.ok(body.equals(response.content));
  assert.deepEqual(
    response.attempts.map(({ status, resumedFrom }) => [status, resumedFrom]),
    [
      [undefined, undefined],
      [206, cutAt],
    ],
  );
});

const otherVersion = ranged(
  { body, ...strong },
  {
    forge: (part) => ({
      ...part,
      headers: part.headers.map((line) => (line[0] === "etag" ? ["etag", '"v2"'] : line)),
    }),
  },
);

const refusals: readonly (readonly [
  what: string,
  refusal: Reply | typeof otherVersion,
  status: number,
  reason: string,
])[] = [
  ["a 206 of another version", otherVersion, 206, "the validator changed"],
  ["a 412", respond(412), 412, "the server refused the condition"],
  ["a 416", respond(416), 416, "the server has no such range"],
  ["a 204", respond(204), 204, "the server sent no body"],
  ["a 304", respond(304), 304, "the server sent no body"],
];

for (const [what, refusal, status, reason] of refusals) {
  test(`body.resume: ${what} instead of the missing bytes is listed in discarded, with its bytes`, async () => {
    await using origin = await faultOrigin(then(refusal, wholeAnswer));
    await using session = await sessionFor();
    const heard: number[] = [];
    session.hooks.response.push((response) => void heard.push(response.status));

    const response = await session.get(`${origin.url}/`);

    const [first, second, ...more] = response.attempts;
    assert.ok(first !== undefined && second !== undefined && body.equals(response.content));
    assert.deepEqual([origin.requests.length, more.length, heard], [3, 0, [status, 200]]);
    assert.deepEqual([second.status, second.discarded], [200, [{ status, reason }]]);
    // Requests over HTTP/2 share a connection, and its bytes.
    assert.ok(isOverHttp2() || Number(second.bytesSent) > 2 * Number(first.bytesSent));
    assert.ok(Number(second.bytesReceived) >= body.length);
  });
}

test("body.resume: the session keeps the cookies of both responses", async () => {
  const first = broken({ ...strong, "set-cookie": "first=1" });
  const good = ranged(
    { body, ...strong },
    { forge: (part) => ({ ...part, headers: [...part.headers, ["set-cookie", "rest=2"]] }) },
  );
  await using origin = await faultOrigin({ routes: { "/": [first, good] } });
  await using session = await sessionFor();

  await session.get(`${origin.url}/`);
  await session.get(`${origin.url}/`);

  assert.equal(origin.requests[2]?.headers["cookie"], "first=1; rest=2");
});

test("body.resume: parts of two URLs that a hook chose are not joined", async () => {
  await using origin = await faultOrigin({ routes: { "/a": broken(), "/b": wholeAnswer } });
  await using session = await sessionFor();
  let asked = 0;
  session.hooks.request.push((request) => ({
    ...request,
    url: new URL((asked += 1) === 1 ? "/a" : "/b", request.url),
  }));

  const { response } = await outcomeOf(session.get(`${origin.url}/a`));

  assert.ok(body.equals(response?.content ?? Buffer.alloc(0)));
  assert.deepEqual(
    origin.requests.map(({ headers }) => headers["range"]),
    [undefined, undefined],
  );
});
