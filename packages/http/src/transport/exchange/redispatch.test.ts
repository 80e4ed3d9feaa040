import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionLost, StreamReset } from "../errors/http2-errors.ts";
import { mayRedispatch, type FailedExchange } from "./redispatch.ts";

const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

const stale: FailedExchange = {
  reused: true,
  mayHaveArrived: false,
  idempotent: false,
  isBodyReplayable: true,
  hasRepeated: false,
};

const [unsent, excluded, calm] = (["once", "always", "never"] as const).map(
  (unprocessed) => new ConnectionLost({ unprocessed }),
);

const cases: readonly (readonly [
  title: string,
  error: unknown,
  known: Partial<FailedExchange>,
  again: boolean,
])[] = [
  ["nothing arrived on a kept-alive connection", reset, {}, true],
  ["the connection was new", reset, { reused: false }, false],
  ["the connection failed for the second time", reset, { hasRepeated: true }, false],
  ["a new connection ended before the request went out", unsent, { reused: false }, true],
  ["a second new connection ended before the request went out", unsent, { hasRepeated: true }, false],
  ["a GOAWAY excluded the request", excluded, { reused: false }, true],
  ["a GOAWAY excluded the request again", excluded, { reused: false, hasRepeated: true }, true],
  ["a GOAWAY excluded the request and asked for a pause", calm, {}, false],
  ["a part of the body was consumed", reset, { isBodyReplayable: false }, false],
  ["the request may have arrived", reset, { mayHaveArrived: true }, false],
  ["the request may have arrived and is idempotent", reset, { mayHaveArrived: true, idempotent: true }, true],
  ["the response was invalid", new Error("Invalid header"), {}, false],
  ["the server ended only the stream", new StreamReset(8), {}, false],
  ["the server refused only the stream", new StreamReset(7), {}, false],
  ["the server lowered its limit of streams", new StreamReset(7, true), { hasRepeated: true }, true],
  ["the server requires HTTP/1.1", new StreamReset(13), { reused: false }, true],
  ["the server requires HTTP/1.1 again", new StreamReset(13), { hasRepeated: true }, false],
];

for (const [title, error, known, again] of cases) {
  test(`${again ? "redispatches a request" : "reports the failure"} when ${title}`, () => {
    assert.equal(mayRedispatch(error, { ...stale, ...known }), again);
  });
}
