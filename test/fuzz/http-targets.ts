import assert from "node:assert/strict";
import { type HttpRequest, HttpResponse, parseRetryAfter } from "@holdfast/http";
import { Cookies } from "../../packages/http/src/model/cookies.ts";
import { ResponseHeaders } from "../../packages/http/src/model/headers.ts";
import { parseLinks } from "../../packages/http/src/model/links.ts";
import { dialects } from "../../packages/http/src/retry/dialects/index.ts";
import { readHint } from "../../packages/http/src/retry/dialects/hints.ts";
import { MalformedResponse } from "../../packages/http/src/transport/errors/malformed-response.ts";
import { ResponseParser } from "../../packages/http/src/transport/http1/parser.ts";
import { noBody } from "../../packages/http/src/model/body.ts";
import { connectReplyParser } from "../../packages/http/src/transport/tunnel/http-connect-codec.ts";
import { parseSocks4Reply } from "../../packages/http/src/transport/tunnel/socks4-codec.ts";
import { parseSocks5Reply } from "../../packages/http/src/transport/tunnel/socks5-codec.ts";
import type { FuzzTarget } from "./target.ts";

const ok = "HTTP/1.1 200 OK\r\n";

/** Returns what the parser makes of bytes in pieces of this size. */
function readResponse(
  input: Buffer,
  { size, strict }: { readonly size: number; readonly strict: boolean },
): string {
  const events: string[] = [];
  let body = "";
  const parser = new ResponseParser(
    {
      headStarted: () => undefined,
      interimHead: ({ status }) => events.push(`interim ${status}`),
      finalHead: ({ status, statusText, fields }) => {
        for (const [name, value] of Object.entries(fields)) {
          assert.match(name, /^[!#$%&'*+.^_`|~0-9a-z-]+$/);
          for (const one of [value ?? []].flat()) assert.doesNotMatch(one, /[\0\r\n]/);
        }
        assert.doesNotMatch(statusText, /[\0-\x08\x0a-\x1f]/);
        events.push(`${status} ${statusText} ${JSON.stringify(fields)}`);
      },
      bodyPiece: (bytes, start, end) => (body += bytes.toString("latin1", start, end)),
      responseEnded: () => events.push("end"),
    },
    strict,
  );
  parser.expectResponse("GET");
  try {
    for (let at = 0; at < input.length; at += size) {
      const piece = Buffer.from(input.subarray(at, at + size));
      parser.read(piece, piece.length);
    }
    if (parser.endOfInput()) events.push("closed");
  } catch (error) {
    assert.ok(error instanceof MalformedResponse, String(error));
    events.push("malformed");
  }
  assert.ok(body.length <= input.length);
  return `${events.join("\n")}\n${events.includes("malformed") ? "" : body}`;
}

function checkResponse(input: Buffer): void {
  const whole = readResponse(input, { size: input.length + 1, strict: false });
  for (const size of [1, 7])
    assert.equal(readResponse(input, { size, strict: false }), whole, `in pieces of ${size}`);
  readResponse(input, { size: input.length + 1, strict: true });
}

const heads: FuzzTarget = {
  name: "heads",
  seeds: [
    `${ok}Content-Length: 5\r\nX: y\r\n\r\nhello`,
    "HTTP/1.0 204 No Content\r\n\r\n",
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok}Content-Length: 0\r\n\r\n`,
    "HTTP/1.1 200 \nA: b\n c\n\n",
    `\r\n\r\n${ok}Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nconstructor: x\r\n__proto__: y\r\n\r\n`,
    `${ok}Content-Length: 5, 5\r\nTransfer-Encoding: identity\r\nConnection: close\r\n\r\nhello`,
  ],
  tokens: [
    "\r\n",
    "\n",
    "\r",
    ":",
    " ",
    "\t",
    "\0",
    "HTTP/1.",
    "Content-Length: ",
    "Transfer-Encoding: chunked\r\n",
    "Connection: ",
    "1",
    "-1",
    "99999999999999999999",
    "\x80",
    "\xff",
    ",",
  ],
  check: checkResponse,
};

const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const chunks: FuzzTarget = {
  name: "chunks",
  seeds: [
    "5\r\nhello\r\n0\r\n\r\n",
    "1;a=b\r\nx\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
    '1 ; c="d;"\r\n!\r\n00\r\n\r\n',
    "ffffffff\r\n",
    "3\nabc\n0\n\n",
  ],
  tokens: [
    "\r\n",
    "\n",
    "0",
    "00000000",
    "f",
    "F",
    "ffffffffffffffff",
    ";",
    "=",
    '"',
    "x",
    " ",
    "-",
    "+",
    "0x",
  ],
  check: (input) => checkResponse(Buffer.concat([Buffer.from(chunked), input])),
};

const tunnels: FuzzTarget = {
  name: "replies of proxies",
  seeds: [
    "HTTP/1.1 200 Connection established\r\n\r\n",
    'HTTP/1.0 407 Auth\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n',
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 502 No\r\nProxy-Status: a; error=dns_error\r\n\r\n",
    "\x05\0\0\x01\x7f\0\0\x01\0\x50",
    "\x05\0\0\x03\x04test\0\x50",
    "\x05\x05",
    "\0\x5a\0\0\0\0\0\0",
  ],
  tokens: ["\x05", "\0", "\x01", "\x03", "\x04", "\xff", "\r\n", "HTTP/1.1 ", "200", "407"],
  check: (input) => {
    for (const parse of [connectReplyParser(), parseSocks4Reply, parseSocks5Reply]) {
      const result = parse(input);
      if (result.state === "complete") assert.ok(result.length <= input.length);
    }
  },
};

function requestFor(url: string): HttpRequest {
  return { method: "GET", url: new URL(url), headers: {}, body: noBody, idempotencyKey: undefined };
}

const setCookie: FuzzTarget = {
  name: "Set-Cookie",
  seeds: [
    "a=b; Path=/; Domain=a.test; Secure; HttpOnly; SameSite=Lax",
    "a=b; Expires=Wed, 21 Oct 2037 07:28:00 GMT; Max-Age=10",
    "__Host-a=b; Secure; Path=/\n__Secure-c=d; Secure",
    "a=\nb\n=c\n; x",
    "__proto__=x; constructor=y\nconstructor=z",
    "a=b; Domain=com\nc=d; Domain=.co.uk\ne=f; Domain=b.a.test",
  ],
  tokens: [
    "=",
    ";",
    "\n",
    "; ",
    "Path=",
    "Domain=",
    "Max-Age=",
    "Expires=",
    "Secure",
    "a",
    "-1",
    "\x7f",
    "\xe9",
    "__Host-",
    '"',
    "/",
  ],
  check: async (input) => {
    const lines = input
      .toString("latin1")
      .replaceAll(/[\0-\x08\x0b-\x1f]/g, "")
      .split("\n");
    const cookies = new Cookies();
    for (const url of ["https://a.test/x/y", "http://a.test/"]) {
      const headers = { "set-cookie": lines };
      const response = new HttpResponse({
        status: 200,
        statusText: "",
        url,
        headers,
        content: new Uint8Array(0),
      });
      for (const { reason } of await cookies.store(response)) assert.equal(typeof reason, "string");
      const sent = cookies.header(requestFor(url)) ?? "";
      assert.doesNotMatch(sent, /[\0-\x08\x0a-\x1f]/);
      assert.ok(sent.length <= 8_192);
    }
    assert.equal(cookies.header(requestFor("https://other.test/")), undefined);
  },
};

const limitNames = [
  "retry-after",
  "ratelimit",
  "ratelimit-policy",
  "ratelimit-reset",
  "ratelimit-remaining",
  "x-ratelimit-reset",
  "x-ratelimit-limit",
  "x-ratelimit-remaining",
  "x-ratelimit-bucket",
  "x-ratelimit-scope",
  "retry-after-ms",
  "x-should-retry",
  "x-envoy-ratelimited",
  "anthropic-ratelimit-requests-reset",
  "x-ratelimit-reset-requests",
  "grpc-retry-pushback-ms",
  "date",
  "age",
];

const limits: FuzzTarget = {
  name: "Retry-After and rate limits",
  seeds: [
    "120",
    "Wed, 21 Oct 2037 07:28:00 GMT",
    '"default";r=50;t=30',
    '"a";q=100;w=60, "b";q=5;w=1;pk=:c2VjcmV0:',
    "1m30s",
    "1700000000.5",
    "2037-10-21T07:28:00Z",
    '{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3.5s"}]}}',
    '{"retry_after":1.5,"global":true}',
    "Sunday, 06-Nov-94 08:49:37 GMT",
  ],
  tokens: [
    "1",
    "-",
    ".",
    "e",
    "99999999999999999999",
    "s",
    "ms",
    "h",
    ";",
    "=",
    '"',
    ",",
    ":",
    "GMT",
    "Infinity",
    "NaN",
    "{",
    "}",
    "[",
    "null",
    "\t",
    "1e400",
  ],
  check: (input) => {
    const text = input.toString("latin1");
    const now = Date.UTC(2026, 0, 1);
    const waits = [parseRetryAfter(text, now)?.delay];
    const reply = { now, text: () => text, body: () => parseJson(text) };
    for (const [index, name] of limitNames.entries()) {
      const headers = new ResponseHeaders({
        [name]: text,
        ...(index % 2 === 0 ? { "retry-after": "5" } : {}),
      });
      for (const status of [200, 429, 503]) {
        for (const dialect of dialects) dialect({ ...reply, status, headers });
        waits.push(readHint({ ...reply, status, headers })?.delay);
      }
    }
    for (const wait of waits)
      assert.ok(wait === undefined || (Number.isFinite(wait) && wait >= 0), `waits ${wait} ms`);
  },
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const link: FuzzTarget = {
  name: "Link",
  seeds: [
    '</a>; rel="next"',
    '<https://a.test/?page=2>; rel=next; title="a,\\"b", </c>;rel="prev last"',
    "<>;",
    '</a>; anchor="/b"; rel=next',
    "</x>; rel=__proto__, </y>; rel=constructor",
    ", , <a",
  ],
  tokens: ["<", ">", ";", ",", "=", '"', "\\", "rel=", "next", "anchor=", "/", "://", " ", "\t", "\xe9"],
  check: (input) => {
    for (const [rel, found] of Object.entries(parseLinks(input.toString("latin1"), "https://a.test/x"))) {
      assert.equal(found?.rel, rel);
      assert.ok(URL.canParse(found?.url ?? ""));
    }
  },
};

/** The parsers of what servers and proxies send. */
export const httpTargets: readonly FuzzTarget[] = [heads, chunks, tunnels, setCookie, limits, link];
