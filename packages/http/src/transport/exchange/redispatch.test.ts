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
  ["the connection was gone before it was boarded", new StaleConnection(false), {}, true],
  ["the connection was new", reset, { reused: false }, false],
  ["a GOAWAY left it out of a new connection", new StaleConnection(true), { reused: false }, true],
  ["a new connection was gone before it was boarded", new StaleConnection(false), { reused: false }, false],
  ["a part of the body is used up", reset, { isBodyReplayable: false }, false],
  ["it may have arrived", reset, { mayHaveArrived: true }, false],
  ["it may have arrived, and may arrive twice", reset, { mayHaveArrived: true, idempotent: true }, true],
  ["the answer was not understood", new Error("Invalid header"), {}, false],
  ["the server ended the stream alone", new Error("HTTP/2: stream half-closed"), {}, false],
];

for (const [title, error, known, again] of cases) {
  test(`${again ? "lets a request go again" : "shows a failure"} where ${title}`, () => {
    assert.equal(mayRedispatch(error, { ...stale, ...known }), again);
  });
}
