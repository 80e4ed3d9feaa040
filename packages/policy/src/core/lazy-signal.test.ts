import assert from "node:assert/strict";
import { test } from "node:test";
import { toScope } from "./context.ts";
import { LazySignal, scopeWithSignal } from "./lazy-signal.ts";

test("a lazy signal that was aborted before its first read is aborted when read", () => {
  const own = new LazySignal();

  own.abort("over");
  own.abort("later");

  assert.equal(own.signal.aborted, true);
  assert.equal(own.signal.reason, "over");
});

test("aborting a lazy signal aborts the signal that was read before", () => {
  const own = new LazySignal();
  const { signal } = own;

  own.abort("over");

  assert.equal(signal.reason, "over");
  assert.equal(own.signal, signal);
});

test("a spread copy of a scope keeps its signal and its listener", () => {
  const own = new LazySignal();
  const on = (): void => undefined;
  const scope = scopeWithSignal(toScope({ on }, 3), own);

  const spread = { ...scope };

  assert.equal(spread.signal, own.signal);
  assert.equal(spread.on, on);
  assert.equal(spread.attempt, 3);
});
