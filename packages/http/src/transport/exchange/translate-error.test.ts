import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectTimeoutError } from "../../errors/transport-errors.ts";
import {
  ConnectionLost,
  isConnectionEnd,
  provesUnprocessed,
  StreamReset,
  WrongBodyLength,
} from "../errors/http2-errors.ts";
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
const refusedStream = new StreamReset(7);
const [unsent, excluded] = [
  new ConnectionLost({ unprocessed: "once" }),
  new ConnectionLost({ http2Code: 0, unprocessed: "always" }),
];

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
    new ConnectionLost({}),
    atHeaders,
    "ConnectionError",
    /^h:1 closed the connection before it responded \(ECONNRESET\)$/,
  ],
  [
    "an HTTP/2 connection with a broken pipe",
    new ConnectionLost({ cause: failure("write EPIPE", { code: "EPIPE" }) }),
    atHeaders,
    "ConnectionError",
    /\(EPIPE\)$/,
  ],
  [
    "a GOAWAY without an error",
    new ConnectionLost({ http2Code: 0 }),
    atHeaders,
    "ConnectionError",
    /closed the connection before it responded \(ECONNRESET\)$/,
  ],
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
    "a cancelled stream",
    new StreamReset(8),
    atHeaders,
    "ConnectionError",
    /^h:1 ended the stream before it responded \(CANCEL\)$/,
  ],
  ["a stream reset in the body", new StreamReset(2), inBody, "IncompleteBodyError", /3 of 9/],
  ["an HTTP/2 body below its Content-Length", new WrongBodyLength(), inBody, "IncompleteBodyError", /3 of 9/],
  ["an HTTP/2 protocol error", new StreamReset(1), atHeaders, "ProtocolError", /: PROTOCOL_ERROR$/],
  [
    "HTTP/2 that the server rejects",
    new ConnectionLost({ http2Code: 6 }),
    inBody,
    "ProtocolError",
    /: FRAME_SIZE_ERROR$/,
  ],
  [
    "a server that requires HTTP/1.1",
    new StreamReset(13),
    atHeaders,
    "ConnectionError",
    /reset the stream before it responded \(HTTP_1_1_REQUIRED\)$/,
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
    "a GOAWAY with an error",
    new ConnectionLost({ http2Code: 11 }),
    atHeaders,
    "ConnectionError",
    /closed the connection before it responded \(ENHANCE_YOUR_CALM\)$/,
  ],
  [
    "a reset with an unknown code",
    new StreamReset(255),
    atHeaders,
    "ConnectionError",
    /reset the stream before it responded \(code 255\)$/,
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

test("only a refused stream, HTTP_1_1_REQUIRED or an exclusive GOAWAY proves that a request was not processed", () => {
  const proofs = [unsent, excluded, refusedStream, new StreamReset(13)];
  const doubts = [
    reset,
    new ConnectionLost({}),
    new ConnectionLost({ http2Code: 7 }),
    new ConnectionLost({ http2Code: 13 }),
    new StreamReset(2),
    new StreamReset(8),
    "text",
  ];

  assert.deepEqual(
    proofs.map(provesUnprocessed),
    proofs.map(() => true),
  );
  assert.deepEqual(
    doubts.map(provesUnprocessed),
    doubts.map(() => false),
  );
});

test("the end of a connection is neither a protocol fault nor the end of one stream", () => {
  const closings = [reset, new ConnectionEnded(), unsent, new ConnectionLost({ http2Code: 2 })];
  const others = [new MalformedResponse("no"), new UnsendableRequest("no"), refusedStream];

  assert.deepEqual(
    closings.map(isConnectionEnd),
    closings.map(() => true),
  );
  assert.deepEqual(
    others.map(isConnectionEnd),
    others.map(() => false),
  );
});
