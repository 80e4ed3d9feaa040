import assert from "node:assert/strict";
import { test } from "node:test";
import { StaleConnection } from "../errors/undici-errors.ts";
import { mayRedispatch, type FailedExchange } from "./redispatch.ts";

const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

const stale: FailedExchange = {
  reused: true,
  mayHaveArrived: false,
  idempotent: false,
  isBodyReplayable: true,
};

const cases: readonly (readonly [
  title: string,
  error: unknown,
  known: Partial<FailedExchange>,
  again: boolean,
])[] = [
  ["nothing arrived on a kept-alive connection", reset, {}, true],
  ["the connection was closed before its use", new StaleConnection(false), {}, true],
  ["the connection was new", reset, { reused: false }, false],
  ["a GOAWAY on a new connection excluded the request", new StaleConnection(true), { reused: false }, true],
  ["a new connection was closed before its use", new StaleConnection(false), { reused: false }, false],
  ["a part of the body was consumed", reset, { isBodyReplayable: false }, false],
  ["the request may have arrived", reset, { mayHaveArrived: true }, false],
  ["the request may have arrived and is idempotent", reset, { mayHaveArrived: true, idempotent: true }, true],
  ["the response was invalid", new Error("Invalid header"), {}, false],
  ["the server ended only the stream", new Error("HTTP/2: stream half-closed"), {}, false],
];

for (const [title, error, known, again] of cases) {
  test(`${again ? "redispatches a request" : "reports the failure"} when ${title}`, () => {
    assert.equal(mayRedispatch(error, { ...stale, ...known }), again);
  });
}
