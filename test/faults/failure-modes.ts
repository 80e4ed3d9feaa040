import type { HttpAdapterOptions, RequestOptions } from "@holdfast/http";
import {
  chunked,
  cut,
  cutHandshake,
  drip,
  endlessBody,
  endlessHead,
  goawayUnprocessed,
  informational,
  raw,
  redirect,
  refuseStream,
  reset,
  resetStream,
  respond,
  silence,
  silentOnAccept,
  socks5Reply,
  stall,
  switchProtocols,
  type Reply,
  type FaultOriginOptions,
  type SocksTurns,
} from "@holdfast/http/testing";
import { certificates, type Certificates } from "../support/certificates.ts";

/** One row of docs/explanation/failure-modes.md. */
export interface FailureMode {
  readonly origin?: FaultOriginOptions;
  /** The certificate of an origin with TLS. */
  readonly tls?: keyof Certificates;
  readonly adapter?: HttpAdapterOptions;
  readonly request?: RequestOptions;
  /** @default the origin's */
  readonly url?: (port: number) => string;
  /** Returns the URL of a proxy at this port; the origin, or `socks`, plays the proxy. */
  readonly proxy?: (port: number) => string;
  /** The turns of a SOCKS proxy that listens in place of the origin. */
  readonly socks?: SocksTurns;
}

const page = respond(200, { body: "x".repeat(1_000) });
const unfinished = chunked(200, ["x".repeat(10)], { last: false });
const coded = respond(200, { coding: "gzip", body: "x".repeat(1_000), codedBytes: 12 });

function answering(answer: Reply): FailureMode {
  return { origin: { routes: { "/": answer } } };
}

// Many phases share one short limit, which a busy machine may exceed in rows without a timeout.
const unhurried = { timeout: { connect: "20s" } } as const;
const hurried = { timeout: { connect: "1200ms" } } as const;

function throughProxy(answer: Reply): FailureMode {
  return { ...plainProxy(answer), url: () => "https://origin.test/" };
}

function plainProxy(answer: Reply): FailureMode {
  return {
    origin: { routes: { "*": answer } },
    url: () => "http://origin.test/",
    request: unhurried,
    proxy: (port) => `http://127.0.0.1:${port}`,
  };
}

function throughSocks(socks: SocksTurns): FailureMode {
  return {
    socks,
    url: () => "https://origin.test/",
    request: unhurried,
    proxy: (port) => `socks5h://a:b@127.0.0.1:${port}`,
  };
}

function overHttp2(answer: Reply): FailureMode {
  return { tls: "good", origin: { http2: true, routes: { "/": answer } }, adapter: { http2: true } };
}

function head(lines: string): FailureMode {
  return answering(raw(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\nbody`));
}

/** Returns a server that responds to a handshake with a fatal alert (RFC 8446 §6). */
function alerting(description: number): FailureMode {
  const record = Buffer.from([21, 3, 3, 0, 2, 2, description]);
  return {
    url: (port) => `https://127.0.0.1:${port}/`,
    origin: { onConnection: [{ peek: true }, { send: record }, { end: "fin" }] },
  };
}

/** Every row, by the heading of its table. */
export const failureModes: Readonly<Record<string, Readonly<Record<string, FailureMode>>>> = {
  "Before a connection": {
    "the URL is invalid": { url: () => "http://[" },
    "the scheme is not http or https": { url: () => "ftp://127.0.0.1/" },
    "the host name does not exist": {
      url: () => "http://nowhere.invalid/",
      adapter: { lookup: () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" })) },
    },
    "the resolver fails temporarily": {
      url: () => "http://name.test/",
      adapter: { lookup: () => Promise.reject(Object.assign(new Error("no"), { code: "EAI_AGAIN" })) },
    },
    "the resolver does not respond": {
      url: () => "http://name.test/",
      adapter: { lookup: () => new Promise(() => {}) },
    },
    "the port refuses connections": { url: () => "http://127.0.0.1:1/" },
  },
  "In the TLS handshake": {
    "the handshake is cut": { tls: "good", origin: { onConnection: cutHandshake() } },
    "the server refuses the handshake (an alert such as handshake_failure)": alerting(40),
    "the server fails in the handshake (the alert internal_error)": alerting(80),
    "the server does not respond to the handshake": {
      tls: "good",
      origin: { onConnection: silentOnAccept() },
    },
    "the certificate has expired": { tls: "expired" },
    "the certificate is for another host": { tls: "wrongHost" },
    "the certificate is self-signed": { tls: "selfSigned" },
    "the certificate's authority is not trusted": { tls: "good", adapter: { tls: {} } },
    "the port does not speak TLS": { url: (port) => `https://127.0.0.1:${port}/` },
  },
  "On the connection through a proxy": {
    "the proxy refuses connections": { ...throughProxy([]), proxy: () => "http://127.0.0.1:1" },
    "the proxy is not reached in time": {
      ...throughProxy([]),
      proxy: () => "http://name.test:1",
      adapter: { lookup: () => new Promise(() => {}) },
      request: hurried,
    },
    "TLS with the proxy is cut": {
      ...throughProxy([]),
      tls: "good",
      origin: { onConnection: cutHandshake() },
      proxy: (port) => `https://127.0.0.1:${port}`,
    },
    "the proxy's certificate has expired": {
      ...throughProxy([]),
      tls: "expired",
      proxy: (port) => `https://127.0.0.1:${port}`,
    },
    "the proxy requires credentials (407)": throughProxy(respond(407)),
    "the proxy's credit is used up (402)": throughProxy(respond(402)),
    "the proxy refuses the target (403)": throughProxy(respond(403)),
    "the proxy limits the rate (429)": throughProxy(respond(429)),
    "the proxy responds with 502, 503 or 504": throughProxy(respond(502)),
    "the proxy reports that it cannot reach the origin": throughProxy(
      respond(503, { headers: { "x-squid-error": "ERR_CONNECT_FAIL 111" } }),
    ),
    "the proxy does not respond to CONNECT": { ...throughProxy(silence()), request: hurried },
    "the proxy closes the connection without a response": throughProxy([{ end: "fin" }]),
    "the proxy does not speak HTTP": throughProxy(raw("SSH-2.0-OpenSSH_9.6\r\n")),
    "the tunnel is cut during TLS with the origin": throughSocks({
      tunnel: [{ peek: true }, { end: "rst" }],
    }),
    "the proxy refuses the target (SOCKS 2)": throughSocks({ reply: socks5Reply(2) }),
    "the proxy cannot reach the origin (SOCKS 3, 4, 5)": throughSocks({ reply: socks5Reply(4) }),
    "the proxy rejects the credentials (SOCKS)": throughSocks({ credentials: raw(Buffer.from([1, 1])) }),
    "the proxy does not speak SOCKS": throughSocks({ method: raw("HTTP/1.1 400 Bad Request\r\n\r\n") }),
    "a plain request: the proxy requires credentials (407)": plainProxy(respond(407)),
    "a plain request: squid cannot reach the origin": plainProxy(
      respond(503, { headers: { "x-squid-error": "ERR_CONNECT_FAIL 111" } }),
    ),
    "a plain request: squid reached the origin, and the exchange failed": plainProxy(
      respond(502, { headers: { "x-squid-error": "ERR_ZERO_SIZE_OBJECT 0" } }),
    ),
  },
  "Before the response": {
    "the connection is closed": answering([{ end: "fin" }]),
    "the connection is reset": answering(reset()),
    "the head is cut short": answering(raw("HTTP/1.1 200 OK\r\nContent-Le")),
    "the server is silent": answering(silence()),
    "the head drips for longer than the read limit": answering(drip(page, { every: 40 })),
    "the head is endless": answering(endlessHead()),
    "two Content-Length fields differ": head("Content-Length: 4\r\nContent-Length: 5"),
    "Content-Length is not a number": head("Content-Length: banana"),
    "the response has an unrequested Transfer-Encoding": head("Transfer-Encoding: gzip, chunked"),
    "Content-Length has white space before its colon": head("Content-Length : 4"),
    "Content-Length is folded": head("Content-Length:\r\n 4"),
    "a field holds a NUL or a lone CR": head("X: a\0b\r\nContent-Length: 4"),
    "an unrequested 101 arrives": answering(switchProtocols()),
    "the reply is not HTTP": answering(raw("SSH-2.0-OpenSSH_9.6\r\n")),
  },
  "Irregular but accepted": {
    "an unrequested 100, 102 or 103 arrives": answering([
      ...informational(100),
      ...informational(102),
      ...informational(103),
      ...page,
    ]),
    "a field is folded (obs-fold)": head("X: one\r\n two\r\nContent-Length: 4"),
    "a field has white space before its colon": head("X : a\r\nContent-Length: 4"),
    "a field holds a control character": head("X: \x01\r\nContent-Length: 4"),
    "the reason phrase holds a control character": answering(
      raw("HTTP/1.1 200 O\x01K\r\nContent-Length: 4\r\n\r\nbody"),
    ),
    "lines of the head end in LF alone": answering(raw("HTTP/1.1 200 OK\nContent-Length: 4\n\nbody")),
    "Content-Length is repeated with the same value": head("Content-Length: 4\r\nContent-Length: 4"),
    "Transfer-Encoding is repeated": answering(
      raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"),
    ),
    "Transfer-Encoding is identity": head("Transfer-Encoding: identity\r\nContent-Length: 4"),
    "the response has Transfer-Encoding and Content-Length": answering(
      raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n4\r\nbody\r\n0\r\n\r\n"),
    ),
    "further bytes follow the response": answering(
      raw("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody and more", "keep-alive"),
    ),
    "a 204 or 304 announces a body": answering(
      raw("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody", "keep-alive"),
    ),
  },
  "In the response body": {
    "the body is shorter than its Content-Length": answering(cut(page, { atBody: 10, by: "fin" })),
    "the last chunk is missing": answering([...chunked(200, ["x"], { last: false }), { end: "fin" }]),
    "the connection is reset, with any framing": answering(
      cut(respond(200, { framing: "close", body: "x".repeat(1_000) }), { atBody: 10 }),
    ),
    "the body has no length, and TLS ends without close_notify": {
      tls: "good",
      origin: {
        routes: {
          "/": cut(respond(200, { framing: "close", body: "x".repeat(1_000) }), {
            atBody: 10,
            by: "bare-fin",
          }),
        },
      },
    },
    "the body stalls for longer than the read limit": answering(stall(page, { atBody: 10 })),
    "a chunk size is not a number": answering([
      ...chunked(200, [{ chunk: "x", size: "xyz" }]),
      { end: "fin" },
    ]),
    "a line between chunks, or after the last one, ends in LF alone": answering(
      raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\n0\r\n\r\n"),
    ),
    "the encoded body is cut short": answering(coded),
    "the body does not match its Content-Encoding": answering(
      respond(200, { headers: { "content-encoding": "gzip" }, body: "plain" }),
    ),
    "the body does not match its Content-Digest, with `verifyDigest: true`": {
      ...answering(
        respond(200, { headers: { "content-digest": `sha-256=:${"A".repeat(43)}=:` }, body: "plain" }),
      ),
      request: { verifyDigest: true },
    },
    "the body is larger than maxBytes": { ...answering(endlessBody()), request: { maxBytes: 10_000 } },
    "`timeout.attempt` passes": {
      ...answering(drip(page, { every: 40, bodyOnly: true })),
      request: { timeout: { attempt: 150 } },
    },
    "`timeout.total` passes": {
      ...answering(drip(page, { every: 40, bodyOnly: true })),
      request: { timeout: { total: 150 } },
    },
  },
  "Over HTTP/2": {
    "the stream is refused (REFUSED_STREAM)": overHttp2(refuseStream()),
    "a GOAWAY excludes the stream": overHttp2(goawayUnprocessed()),
    "the stream is reset before the response": overHttp2(resetStream()),
    "the stream is reset in the body": overHttp2([
      ...cut(page, { atBody: 10, by: "fin" }).slice(0, -1),
      ...resetStream(),
    ]),
    "the stream is cancelled in the body (CANCEL)": overHttp2([...unfinished, ...resetStream(8)]),
    "the stream is closed in the body without END_STREAM (NO_ERROR)": overHttp2([
      ...unfinished,
      ...resetStream(0),
    ]),
    "the body is shorter than its Content-Length": overHttp2(cut(page, { atBody: 10, by: "fin" })),
    "the stream is silent": overHttp2(silence()),
    "the connection is reset": overHttp2(reset()),
    "the stream is reset for a fault (PROTOCOL_ERROR, FLOW_CONTROL_ERROR)": overHttp2(resetStream(1)),
    "the stream is reset for a fault in the body": overHttp2([...unfinished, ...resetStream(3)]),
    "the frames are invalid": overHttp2([{ frame: { type: 0, stream: 0, payload: "x" } }, { end: "hang" }]),
    "the frames are invalid in the body": overHttp2([
      ...unfinished,
      { frame: { type: 0, stream: 0, payload: "x" } },
      { end: "hang" },
    ]),
  },
  "After the response": {
    "a 404": answering(respond(404)),
    "a permanent 503": answering(respond(503)),
    "a redirect names two locations": answering(
      respond(302, {
        headers: [
          ["location", "/a"],
          ["location", "/b"],
        ],
      }),
    ),
    "redirects in a loop": { ...answering(redirect("/")), request: { maxRedirects: 3 } },
  },
};

/** Returns the origin of a failure mode, and the adapter for it. */
export async function stage({
  origin = {},
  tls,
  adapter = {},
}: FailureMode): Promise<{ origin: FaultOriginOptions; adapter: HttpAdapterOptions }> {
  const all = await certificates();
  return {
    origin: tls === undefined ? origin : { ...origin, tls: all[tls] },
    adapter: { tls: { ca: all.ca.cert }, ...adapter },
  };
}
