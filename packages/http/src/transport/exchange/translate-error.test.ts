import assert from "node:assert/strict";
import { test } from "node:test";
import { errors } from "undici";
import { ConnectTimeoutError } from "../../errors/transport-errors.ts";
import { isPrematureEnd, provesUnprocessed, StaleConnection } from "../errors/undici-errors.ts";
import { MalformedResponse } from "../errors/malformed-response.ts";
import { UnsendableRequest } from "../errors/unsendable-request.ts";
import { ConnectionEnded } from "../http1/errors.ts";
import { translateError, type ExchangeProgress } from "./translate-error.ts";

const atHeaders: ExchangeProgress = {
  target: "h:1",
  phase: "headers",
  mayHaveArrived: true,
  received: 0,
  expected: undefined,
};
const inBody: ExchangeProgress = { ...atHeaders, phase: "body", received: 3, expected: 9 };

function failure(message: string, fields: object = {}): Error {
  return Object.assign(new Error(message), fields);
}

const reset = failure("read ECONNRESET", { code: "ECONNRESET" });
const refusedStream = failure("Stream closed", { code: "ERR_HTTP2_STREAM_ERROR", http2ErrorCode: 7 });
const mismatch = Object.assign(new errors.ResponseContentLengthMismatchError(), { http2ErrorCode: 1 });

const rows: readonly (readonly [
  what: string,
  cause: Error,
  progress: ExchangeProgress,
  name: string,
  message: RegExp,
])[] = [
  [
    "a reset before the response",
    reset,
    atHeaders,
    "ConnectionError",
    /^h:1 closed the connection before it responded \(ECONNRESET\)$/,
  ],
  ["a reset in the body", reset, inBody, "IncompleteBodyError", /^The body broke off after 3 of 9 bytes$/],
  ["a broken pipe", failure("write EPIPE", { code: "EPIPE" }), atHeaders, "ConnectionError", /EPIPE/],
  [
    "an HTTP/2 connection closed before the response",
    new errors.SocketError("other side closed"),
    atHeaders,
    "ConnectionError",
    /ECONNRESET/,
  ],
  ["a stale connection", new StaleConnection(false), atHeaders, "ConnectionError", /ECONNRESET/],
  [
    "a FIN in the head",
    new ConnectionEnded(),
    atHeaders,
    "ConnectionError",
    /before it responded \(ECONNRESET\)$/,
  ],
  ["a FIN in the body", new ConnectionEnded(), inBody, "IncompleteBodyError", /3 of 9/],
  [
    "a malformed head",
    new MalformedResponse("Content-Length is not a single number"),
    atHeaders,
    "ProtocolError",
    /^h:1 sent an invalid HTTP response: Content-Length is not a single number$/,
  ],
  [
    "a malformed body",
    new MalformedResponse("a chunk size is not a hexadecimal number"),
    inBody,
    "ProtocolError",
    /: a chunk size is not a hexadecimal number$/,
  ],
  [
    "a refused stream",
    refusedStream,
    atHeaders,
    "ConnectionError",
    /^h:1 reset the stream before it responded \(REFUSED_STREAM\)$/,
  ],
  [
    "a stream reset in the body",
    failure("x", { code: "ERR_HTTP2_STREAM_ERROR", http2ErrorCode: 2 }),
    inBody,
    "IncompleteBodyError",
    /3 of 9/,
  ],
  [
    "an HTTP/2 protocol error",
    failure("x", { code: "ERR_HTTP2_STREAM_ERROR", http2ErrorCode: 1 }),
    atHeaders,
    "ProtocolError",
    /: PROTOCOL_ERROR$/,
  ],
  [
    "HTTP/2 that Node rejects",
    failure("Protocol error", { code: "ERR_HTTP2_ERROR", errno: -505, http2ErrorCode: 2 }),
    inBody,
    "ProtocolError",
    /: HTTP\/2: Protocol error$/,
  ],
  [
    "a flood of HTTP/2 frames",
    failure("Too many", { code: "ERR_HTTP2_TOO_MANY_CONTINUATIONS", errno: -905, http2ErrorCode: 2 }),
    atHeaders,
    "ProtocolError",
    /: HTTP\/2: Too many$/,
  ],
  [
    "an HTTP/2 connection closed with an open stream",
    Object.assign(new errors.SocketError("other side closed"), { http2ErrorCode: 2 }),
    atHeaders,
    "ConnectionError",
    /closed the connection before it responded \(ECONNRESET\)$/,
  ],
  [
    "a GOAWAY with an error",
    failure("x", { code: "ERR_HTTP2_SESSION_ERROR", http2ErrorCode: 11 }),
    atHeaders,
    "ConnectionError",
    /closed the connection before it responded \(ENHANCE_YOUR_CALM\)$/,
  ],
  [
    "a reset with an unknown code",
    failure("x", { code: "ERR_HTTP2_STREAM_ERROR", http2ErrorCode: 255 }),
    atHeaders,
    "ConnectionError",
    /reset the stream before it responded \(code 255\)$/,
  ],
  ["an HTTP/2 body below its Content-Length", mismatch, inBody, "IncompleteBodyError", /3 of 9/],
  [
    "an invalid argument",
    new errors.InvalidArgumentError("invalid header key"),
    atHeaders,
    "TypeError",
    /^invalid header key$/,
  ],
];

for (const [what, cause, progress, name, message] of rows) {
  test(`translates ${what} to a ${name} with its cause`, () => {
    const error = translateError(cause, progress);

    assert.equal(error.constructor.name, name);
    assert.match(error.message, message);
    assert.equal(error.cause, cause);
  });
}

test("errors of this package and errors of the caller pass unchanged", () => {
  for (const own of [new ConnectTimeoutError("h:1", 5), new UnsendableRequest("invalid header key")]) {
    assert.equal(translateError(own, atHeaders), own);
  }
});

test("passes mayHaveArrived on", () => {
  for (const mayHaveArrived of [true, false]) {
    const error = translateError(reset, { ...atHeaders, mayHaveArrived });
    assert.equal(Reflect.get(error, "mayHaveArrived"), mayHaveArrived);
  }
});

test("only a refused stream or an exclusive GOAWAY proves that a request was not processed", () => {
  const proofs = [
    new StaleConnection(true),
    refusedStream,
    failure('HTTP/2: "GOAWAY" frame received with code 0'),
    failure('HTTP/2: "frameError" received - type 1, code -516'),
  ];
  const doubts = [
    new StaleConnection(false),
    reset,
    new errors.SocketError("other side closed"),
    failure("x", { code: "ERR_HTTP2_STREAM_ERROR", http2ErrorCode: 2 }),
    failure("x", { code: "ERR_HTTP2_SESSION_ERROR", http2ErrorCode: 7 }),
    failure('HTTP/2: "frameError" received - type 0, code 1'),
    "text",
  ];

  assert.deepEqual(proofs.map(provesUnprocessed), [true, true, true, true]);
  assert.deepEqual(doubts.map(provesUnprocessed), [false, false, false, false, false, false, false]);
});

test("a closed connection is not a protocol fault", () => {
  const closings = [
    reset,
    new ConnectionEnded(),
    new StaleConnection(false),
    new errors.SocketError("closed"),
  ];
  const others = [new MalformedResponse("no"), new UnsendableRequest("no"), mismatch];

  assert.deepEqual(closings.map(isPrematureEnd), [true, true, true, true]);
  assert.deepEqual(others.map(isPrematureEnd), [false, false, false]);
});
