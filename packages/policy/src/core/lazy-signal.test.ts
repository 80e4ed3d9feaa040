import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { scopeOf } from "./context.ts";
import { LazySignal, onAbort, scopeWithSignal } from "./lazy-signal.ts";

test("a lazy signal that was aborted before anyone read it is aborted when it is read", () => {
  const own = new LazySignal();

  own.abort("over");
  own.abort("later");

  assert.equal(own.signal.aborted, true);
  assert.equal(own.signal.reason, "over");
});

test("a lazy signal aborts those who read it before", () => {
  const own = new LazySignal();
  const { signal } = own;

  own.abort("over");

  assert.equal(signal.reason, "over");
  assert.equal(own.signal, signal);
});

test("a scope that is spread into another keeps its signal and its listener", () => {
  const own = new LazySignal();
  const on = (): void => undefined;
  const scope = scopeWithSignal(scopeOf({ on }, 3), own);

  const spread = { ...scope };

  assert.equal(spread.signal, own.signal);
  assert.equal(spread.on, on);
  assert.equal(spread.attempt, 3);
});

test("whoever stops listening for an abort leaves no listener behind", () => {
  const { signal } = new AbortController();

  const forget = onAbort(signal, () => undefined);
  const during = getEventListeners(signal, "abort").length;
  forget();

  assert.equal(during, 1);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});
