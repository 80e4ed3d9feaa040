import assert from "node:assert/strict";
import {
  cut,
  drip,
  endlessHead,
  informational,
  raw,
  respond,
  silence,
  switchProtocols,
  type Reply,
} from "@holdfast/http/testing";
import { faultOrigin, test } from "./protocol.ts";
import { outcomeOf, scenarios, sessionFor, type Scenario } from "./scenario.ts";

const good = respond(200, { body: "all good\n" });
const came = { status: 200, body: "all good\n" } as const;
const refused = { error: { code: "ERR_PROTOCOL", phase: "headers" }, verdict: "protocol", told: 1 } as const;

/** This response at the first attempt, a good one at the second. */
function once(answer: Reply): Pick<Scenario, "origin"> {
  return { origin: { routes: { "/": [answer, good] } } };
}

function always(answer: Reply): Pick<Scenario, "origin"> {
  return { origin: { routes: { "/": answer } } };
}

function wire(head: string, body = "all good\n"): Reply {
  return raw(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`);
}

scenarios({
  "headers.half-head-then-fin": {
    ...once(raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Le")),
    expect: { ...came, attempts: 2, told: 2 },
  },
  "headers: FIN after a Content-Length, in the middle of the head": {
    ...once(raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX: y\r\n")),
    expect: { ...came, attempts: 2 },
  },
  "headers: a FIN without a response": { ...once([{ end: "fin" }]), expect: { ...came, attempts: 2 } },
  "headers.silence": {
    ...once(silence()),
    expect: { ...came, attempts: 2, elapsed: { min: 300, max: 1_000 } },
  },
  "headers.slow-drip": {
    ...once(drip(endlessHead({ every: 0 }), { every: 60 })),
    expect: { ...came, attempts: 2, elapsed: { min: 300, max: 1_500 } },
  },
  "headers: the bytes of a dripping head do not extend the read limit": {
    ...once(drip(good, { every: 60 })),
    expect: { ...came, attempts: 2, elapsed: { min: 300, max: 1_500 } },
  },
  "headers.endless": {
    ...always(endlessHead()),
    expect: { ...refused, message: /head is larger than 256 KiB/, attempts: 1, elapsed: { max: 2_000 } },
  },
  "headers: one endless field": {
    ...always([{ send: "HTTP/1.1 200 OK\r\nX: " }, { repeat: "y".repeat(10_000) }]),
    expect: { ...refused, attempts: 1, elapsed: { max: 2_000 } },
  },
  "headers: an endless reason phrase": {
    ...always([{ send: "HTTP/1.1 200 " }, { repeat: "y".repeat(10_000) }]),
    timeout: { read: 300 },
    retry: { total: 0 },
    expect: { ...refused, attempts: 1, elapsed: { max: 2_000 } },
  },
  "headers: a head of 200 KiB is read": {
    ...always(
      respond(200, {
        headers: { "x-policy": "p".repeat(100_000), "x-cookie": "c".repeat(100_000) },
        body: "all good\n",
      }),
    ),
    expect: { ...came, attempts: 1 },
  },
  "headers: a head of 120 KiB in fields of 40 KiB is read": {
    ...always(
      respond(200, {
        headers: Object.fromEntries([1, 2, 3].map((number) => [`x-policy-${number}`, "p".repeat(40_000)])),
        body: "all good\n",
      }),
    ),
    expect: { ...came, attempts: 1 },
  },
  "headers.101-unasked": {
    ...always(switchProtocols()),
    expect: {
      ...refused,
      message: /101 Switching Protocols, which the request did not ask for/,
      elapsed: { max: 1_000 },
    },
  },
  "headers: an unrequested 100 Continue is only a sign of life": {
    ...always([...informational(100), ...good]),
    expect: { ...came, attempts: 1 },
  },
  "headers: a 100 Continue without fields, and another in pieces": {
    ...always([
      { send: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100" },
      { wait: 20 },
      { send: " Continue\r\n\r" },
      { wait: 20 },
      { send: "\n" },
      ...good,
    ]),
    expect: { ...came, attempts: 1 },
  },
  "headers: a reset after an unrequested 100 Continue is a failed attempt": {
    ...once([...informational(100), { end: "rst" }]),
    expect: { ...came, attempts: 2 },
  },
  "headers: 102 and 103 before the response are signs of life": {
    ...always([...informational(102), ...informational(103, { link: "</a.css>" }), ...good]),
    expect: { ...came, attempts: 1 },
  },
  "headers: an interim response every 200 ms extends the wait for a slow server": {
    ...always([...[1, 2, 3].flatMap(() => [...informational(102), { wait: 200 }]), ...good]),
    expect: { ...came, attempts: 1, elapsed: { min: 590, max: 2_000 } },
  },
  "headers: a storm of interim responses fails the request": {
    ...always([...Array.from({ length: 1_100 }, () => informational(102)).flat(), { end: "hang" }]),
    expect: { ...refused, message: /more than 1000 interim responses/, attempts: 1, elapsed: { max: 5_000 } },
  },
  "headers: silence after an interim response": {
    ...once([...informational(103), { end: "hang" }]),
    expect: { ...came, attempts: 2 },
  },
  "headers.cl-conflict": {
    ...always(wire("Content-Length: 9\r\nContent-Length: 12")),
    expect: { ...refused, attempts: 1, message: /Content-Length/ },
  },
  "headers.cl-repeated-same": {
    ...always(wire("Content-Length: 9, 9")),
    expect: { outcome: "either", body: "all good\n" },
  },
  "headers: the same Content-Length twice": {
    ...always(wire("Content-Length: 9\r\nContent-Length: 9")),
    expect: { outcome: "either", body: "all good\n" },
  },
  "headers.cl-invalid": {
    ...always(wire("Content-Length: banana")),
    expect: { ...refused, message: /Content-Length/ },
  },
  "headers: a negative Content-Length": { ...always(wire("Content-Length: -9")), expect: { ...refused } },
  "headers: a Content-Length of more than 64 bits": {
    ...always(wire("Content-Length: 99999999999999999999999")),
    expect: { ...refused },
  },
  "headers: an empty Content-Length": { ...always(wire("Content-Length: ")), expect: { ...refused } },
  "headers.te-and-cl": {
    ...always(wire("Transfer-Encoding: chunked\r\nContent-Length: 4", "9\r\nall good\n\r\n0\r\n\r\n")),
    expect: { ...came, attempts: 1 },
  },
  "headers: a Transfer-Encoding and a longer Content-Length": {
    ...always(wire("Content-Length: 400\r\nTransfer-Encoding: chunked", "9\r\nall good\n\r\n0\r\n\r\n")),
    expect: { ...came, attempts: 1 },
  },
  "headers: the Transfer-Encoding is not chunked": {
    ...always(wire("Transfer-Encoding: gzip, chunked")),
    expect: { ...refused },
  },
  "headers: a Transfer-Encoding whose last coding is not chunked": {
    ...always(wire("Transfer-Encoding: chunked, identity")),
    expect: { ...refused },
  },
  "headers.http10-close-delimited": {
    ...always(respond(200, { version: "1.0", framing: "close", body: "all good\n" })),
    expect: { ...came, attempts: 1 },
  },
  "headers.head-with-length": {
    origin: {
      routes: {
        "/": [
          respond(503, { headers: { "content-length": 1_000_000 } }),
          respond(200, { headers: { "content-length": 1_000_000 } }),
        ],
      },
    },
    method: "HEAD",
    expect: { status: 200, body: "", attempts: 2, elapsed: { max: 1_000 } },
  },
  "headers: a HEAD whose response has a body": {
    ...always(wire("Content-Length: 9")),
    method: "HEAD",
    expect: { status: 200, body: "", attempts: 1 },
  },
  "headers: a HEAD for a gzip-encoded page has no body to decode": {
    ...always(respond(200, { headers: { "content-encoding": "gzip" }, framing: "close" })),
    method: "HEAD",
    expect: { status: 200, body: "", attempts: 1 },
  },
  "headers: a 204 with a body": {
    ...always(raw("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\nall good\n")),
    expect: { status: 204, body: "" },
  },
  "headers: a 304 with a Content-Length and no body": {
    ...always(raw("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "keep-alive")),
    expect: { status: 304, body: "", elapsed: { max: 290 } },
  },
  "headers: a folded field is one line": {
    ...always(wire("X-Folded: one\r\n two\r\n\tthree\r\nContent-Length: 9")),
    expect: { ...came, attempts: 1 },
  },
  "headers: a folded Content-Length": {
    ...always(wire("Content-Length:\r\n 9")),
    expect: { ...refused },
  },
  "headers: white space before the first field": {
    ...always(wire(" X: y\r\nContent-Length: 9")),
    expect: { ...came, attempts: 1 },
  },
  "headers: white space before the first field with strictHeaders": {
    ...always(wire(" X: y\r\nContent-Length: 9")),
    adapter: { strictHeaders: true },
    expect: { ...refused },
  },
  "headers: white space before a Content-Length that comes first": {
    ...always(wire(" Content-Length: 9")),
    expect: { ...refused },
  },
  "headers: lines that end with LF alone": {
    ...always(raw("HTTP/1.1 200 OK\nContent-Length: 9\nX-Folded: one\n two\n\nall good\n")),
    expect: { ...came, attempts: 1 },
  },
  "headers: an empty line before the response": {
    ...always(raw("\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall good\n")),
    expect: { ...came, attempts: 1 },
  },
  "headers: a field without a colon": {
    ...always(wire("Content-Length 9\r\nContent-Length: 9")),
    expect: { ...refused },
  },
  "headers: a field without a name": {
    ...always(wire(": y\r\nContent-Length: 9")),
    expect: { ...came, attempts: 1 },
  },
  "headers: white space before the colon": { ...always(wire("Content-Length : 9")), expect: { ...refused } },
  "headers: a bare CR in a value": {
    ...always(wire("X: a\rb\r\nContent-Length: 9")),
    expect: { ...refused },
  },
  "headers: a NUL in a value": { ...always(wire("X: a\0b\r\nContent-Length: 9")), expect: { ...refused } },
  "headers: a status line without a reason": {
    ...always(raw("HTTP/1.1 200\r\nContent-Length: 9\r\n\r\nall good\n")),
    expect: { ...came },
  },
  "headers: a status that is not a number": { ...always(raw("HTTP/1.1 OK\r\n\r\n")), expect: { ...refused } },
  "headers: another protocol": {
    ...always(raw("SSH-2.0-OpenSSH_9.6\r\n")),
    expect: { ...refused },
  },
  "headers: HTTP/0.9, a body without a head": {
    ...always(raw("<html>hello</html>")),
    expect: { ...refused },
  },
  "headers: an ICY status line": { ...always(raw("ICY 200 OK\r\n\r\n")), expect: { ...refused } },
});

test("headers: a reset after any byte of the head is a failed attempt, never a response", async () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  const answers = Array.from({ length: head.length }, (_, at) => cut(raw(head), { at }));
  await using origin = await faultOrigin({ routes: { "/": answers } });
  await using session = await sessionFor({ retry: { total: 0 } });

  for (let at = 0; at < head.length; at += 1) {
    const { error } = await outcomeOf(session.get(`${origin.url}/`));
    assert.ok(error !== undefined && "code" in error, `a response after ${at} bytes`);
    assert.equal(error.code, "ERR_CONNECTION", `after ${at} bytes: ${error.message}`);
  }
});

test("headers: a FIN after any byte of the head is a failed attempt, never a response", async () => {
  const head = "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 1\r\n\r\n";
  const answers = Array.from({ length: head.length }, (_, at) => raw(head.slice(0, at)));
  await using origin = await faultOrigin({ routes: { "/": answers } });
  await using session = await sessionFor({ retry: { total: 0 } });

  for (let at = 0; at < head.length; at += 1) {
    const { error } = await outcomeOf(session.get(`${origin.url}/`));
    assert.ok(error !== undefined && "code" in error, `a response after ${at} bytes`);
    assert.equal(error.code, "ERR_CONNECTION", `after ${at} bytes: ${error.message}`);
  }
});
