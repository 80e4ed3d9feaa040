import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { onAbort } from "./on-abort.ts";

test("onAbort leaves no listener behind after its listener is removed", () => {
  const { signal } = new AbortController();

  const removeListener = onAbort(signal, () => undefined);
  const during = getEventListeners(signal, "abort").length;
  removeListener();

  assert.equal(during, 1);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});
