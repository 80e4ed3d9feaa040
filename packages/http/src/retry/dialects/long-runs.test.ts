import assert from "node:assert/strict";
import { test } from "node:test";
import { redact } from "@holdfast/policy";
import { isSecretHeader } from "@holdfast/policy/internal";
import { CookieJar } from "tough-cookie";
import { noBody } from "../../model/body.ts";
import { parseChallenges } from "../../auth/challenge.ts";
import { Cookies } from "../../model/cookies.ts";
import { ResponseHeaders } from "../../model/headers.ts";
import { joinUrl, parseBaseUrl } from "../../model/base-url.ts";
import { parseLinks } from "../../model/links.ts";
import { readServerMessage } from "../../model/server-message.ts";
import { toRedirectRequest } from "../../model/redirect-request.ts";
import { HttpResponse } from "../../model/response.ts";
import { parseContentRange } from "../../resume/content-range.ts";
import { strongValidator } from "../../resume/validator.ts";
import { readHint } from "./hints.ts";
import { judge } from "../judge.ts";
import { toReply } from "./reply.ts";
import { parseStructuredItems } from "./structured-items.ts";
import { parseHttpDate } from "../../model/http-date.ts";
import { parseRetryAfter } from "../retry-after.ts";
import { parseDigestHeaders } from "../../model/digest.ts";
import { fixtureNow } from "../../testing/scripted/dialect-reply.ts";
import { connectReplyParser } from "../../transport/tunnel/http-connect-codec.ts";
import { bodyLength, parseIdleLimit, isPersistent } from "../../transport/http1/framing.ts";
import { HeadReader } from "../../transport/wire/head-reader.ts";
import { connectRefusalReason } from "../../transport/tunnel/proxy-replies.ts";

function readHead(text: string): unknown {
  const bytes = Buffer.from(text, "latin1");
  return new HeadReader({ maxKibibytes: 1_024, strict: false }).read(bytes, 0, bytes.length);
}

/*
 * What a server writes may be long, and all of one kind: reading it must not take a time that grows with the
 * square of it, during which nothing else runs.
 */
const runs = [
  ...` \t,;019.aZ="'\\()/:#-%<>?&@{[\u2028`.split(""),
  ...`, | ,|1,|a=|a="|\\"|1s|1h|a;|"a";r=0,|//|%3a%2f%2f|%3f|token=|Bearer `.split("|"),
  ...`<title|<form|<Code>|Digest |; error=|timeout=|Wed, | #|\u2028#|-token|<,|A+`.split("|"),
];
const frames: readonly (readonly [before: string, behind: string])[] = [
  ["", ""],
  ["x", "x"],
  ["1", "x"],
  ['"', "x"],
  ["a=", "x"],
  ['Digest a="', "x"],
  ["Wed, 25 Nov 2026 12:00:30", "GMT"],
  ["Wed Nov 25 2026 13:00:45 GMT+0100 (", "\u0000"],
  ["2026-11-25T12:00", "x"],
  ["https://", "x"],
  ['text/html; charset="x', "x"],
  ["", "\u2028x"],
];

const base = parseBaseUrl("https://a.test/b");
const head = { status: 429, statusText: "" };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const all =
  (value: string): ResponseHeaders["get"] =>
  (name) =>
    name === "date" ? null : value;

function pageWith(
  type: string,
  content: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  const url = "https://a.test/";
  return new HttpResponse({ ...head, url, headers: { "content-type": type, ...headers }, content });
}

/** Returns the body of a vendor with the same text in every field that a dialect reads. */
function explanation(text: string): unknown {
  const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: text }];
  const error = { code: text, type: text, message: text, status: text, details, errors: [{ reason: text }] };
  return { error, __type: text, code: text, type: text, message: text, documentation_url: text };
}

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  "every header of the dialects": (text) =>
    readHint({ status: 429, headers: { get: all(text) }, now: fixtureNow }),
  "every header of the dialects except the remaining ones": (text) => {
    const get = (name: string): string | null => (name.includes("remaining") ? "0" : all(text)(name));
    return readHint({ status: 403, headers: { get }, now: fixtureNow });
  },
  "the clock of a server": (text) =>
    readHint({
      status: 429,
      headers: { get: (name) => (/date|age/.test(name) ? text : null) },
      now: fixtureNow,
    }),
  "an error body in JSON": (text) =>
    readHint({
      status: 429,
      headers: { get: (name) => (name.includes("amzn-requestid") ? "1" : null) },
      body: () => explanation(text),
      text: () => text,
      now: fixtureNow,
    }),
  "the text of a response": (text) => toReply(judge(pageWith("text/xml", bytesOf(text))), 0).text?.(),
  "Content-Type": (text) => pageWith(text, bytesOf("x")).text(),
  "Retry-After": (text) => parseRetryAfter(text, fixtureNow),
  "a date": (text) => parseHttpDate(text, fixtureNow),
  RateLimit: (text) => parseStructuredItems(text),
  Location: (text) =>
    toRedirectRequest(
      { method: "GET", url: new URL("https://a.test/"), headers: {}, body: noBody },
      { status: 302, location: text },
    ),
  "Set-Cookie": (text) =>
    new Cookies(new CookieJar()).store(pageWith("text/plain", bytesOf(""), { "set-cookie": text })),
  "WWW-Authenticate": (text) => parseChallenges(text),
  Link: (text) => parseLinks(text, "https://a.test/"),
  "the explanation in an error page": (text) => readServerMessage(bytesOf(text), "text/html"),
  "a reference to the base of a session": (text) => tried(() => joinUrl(base, text)),
  "Content-Range": (text) => parseContentRange(text),
  "a validator": (text) => strongValidator(new ResponseHeaders({ etag: text })),
  "Last-Modified": (text) => strongValidator(new ResponseHeaders({ "last-modified": text, date: text })),
  Digest: (text) =>
    parseDigestHeaders(
      new ResponseHeaders({ "repr-digest": text, "content-digest": text, "content-md5": text }),
      200,
    ),
  "a folded field": (text) => tried(() => readHead(`HTTP/1.1 200 OK\r\na: ${text}\r\n ${text}\r\n\r\n`)),
  "a status line": (text) => tried(() => readHead(`HTTP/1.1 200 ${text}\r\n\r\n`)),
  framing: (text) => {
    const fields = { connection: text, "keep-alive": text, "content-length": text };
    const answer = { status: 200, statusText: "", minor: 1, fields, size: 0, isClean: true };
    return [isPersistent(answer, "GET"), parseIdleLimit(answer), tried(() => bodyLength(answer, "GET"))];
  },
  "a proxy's answer": (text) =>
    tried(() => connectReplyParser()(Buffer.from(`HTTP/1.1 200 ${text}\r\n\r\n`))),
  "Proxy-Status": (text) => connectRefusalReason(502, { "proxy-status": text, "x-squid-error": text }),
  "a string for the log": (text) => redact(text),
  "a header's name for the log": (text) => isSecretHeader(text),
};

function tried(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error;
  }
}

const short = 512;
const times = 32;
// A linear time grows by a factor of 32, a quadratic time by a factor of 1024.
const most = times * 8;
// A shorter time, in microseconds, is too short to be compared.
const least = 30;

/** Returns the shortest of five runs in microseconds of CPU time, which excludes the load of other processes. */
function atBest(read: (text: string) => unknown, text: string, enough: number): number {
  let best = Infinity;
  for (let turn = 0; turn < 5 && best > enough; turn += 1) {
    const before = process.cpuUsage();
    void read(text);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, user + system);
  }
  return best;
}

for (const [what, read] of Object.entries(readers)) {
  test(`parsing a long run of one character takes linear time: ${what}`, () => {
    for (const run of runs) {
      for (const [before, behind] of frames) {
        const of = (length: number): string => before + run.repeat(length / run.length) + behind;
        const limit = most * Math.max(atBest(read, of(short), least), least);
        const took = atBest(read, of(short * times), limit);
        assert.ok(
          took <= limit,
          `${JSON.stringify(`${before}${run}...${behind}`)} took ${took} µs, ${limit} µs were expected at most`,
        );
      }
    }
  });
}

// Runs that begin a rule again and again, and texts as URLs and headers have them.
const longRuns: readonly string[] = ["a", "a=b&", "//a@", "%3a%2f%2fa", ", a;r=1"];
const lengths: readonly number[] = [10_000, 100_000, 1_000_000];
// A linear time grows ten times with each length, a quadratic one a hundred times. In microseconds, shorter times are too short.
const mostGrowth = 35;
const leastLong = 5_000;

for (const [what, read] of Object.entries(readers)) {
  test(`the time grows at most linearly from 10 KB to 1 MB: ${what}`, () => {
    for (const run of longRuns) {
      let limit = Infinity;
      for (const length of lengths) {
        const text = `https://a.test/?${run.repeat(length / run.length)}`;

        const took = atBest(read, text, Math.min(limit, leastLong));

        assert.ok(
          took <= limit,
          `${length} characters of ${JSON.stringify(run)} took ${took} µs, at most ${limit}`,
        );
        limit = mostGrowth * Math.max(took, leastLong);
      }
    }
  });
}
