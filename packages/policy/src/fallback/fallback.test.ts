import assert from "node:assert/strict";
import { test } from "node:test";
import { CircuitOpenError } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { retryIfError, retryIfResult } from "../retry/when.ts";
import { fallback } from "./fallback.ts";

const down = new Error("down");
const fails = (): Promise<string> => Promise.reject(down);

test("gives its value instead of an error, and says what it replaced", async () => {
  const events: PolicyEvent[] = [];

  const value = await fallback({ value: "cached", on: (event) => events.push(event) }).execute(fails);

  assert.equal(value, "cached");
  const [event] = events;
  assert.ok(event?.type === "fell-back");
  assert.deepEqual(event.attempt.outcome, { ok: false, error: down });
});

test("lets a value through", async () => {
  assert.equal(await fallback({ value: "cached" }).execute(() => "fresh"), "fresh");
});

test("replaces only what the condition picks", async () => {
  const policy = fallback({ when: retryIfError(CircuitOpenError), value: "cached" });

  assert.equal(await policy.execute(() => Promise.reject(new CircuitOpenError(0))), "cached");
  await assert.rejects(policy.execute(fails), down);
});

test("replaces a result that the condition picks", async () => {
  const policy = fallback({ when: retryIfResult((value: string) => value === ""), value: null });

  assert.equal(await policy.execute(() => ""), null);
  assert.equal(await policy.execute(() => "full"), "full");
});

test("asks another task, and tells it what it replaces", async () => {
  const policy = fallback({
    task: (_scope, { outcome }) => (outcome.ok ? "?" : `instead of ${String(outcome.error)}`),
  });

  assert.equal(await policy.execute(fails), "instead of Error: down");
});

test("an error of the other task has the replaced one as its cause, unless it has its own", async () => {
  const bare = new Error("bare");
  const causing = new Error("causing", { cause: "mine" });

  for (const error of [bare, causing]) {
    await assert.rejects(fallback({ task: () => Promise.reject(error) }).execute(fails), error);
  }

  assert.equal(bare.cause, down);
  assert.equal(causing.cause, "mine");
});

test("never replaces the caller's abort", async () => {
  const caller = new AbortController();
  const task = (): Promise<never> => {
    caller.abort("enough");
    return Promise.reject(caller.signal.reason);
  };

  const ended = fallback({ value: "cached" }).execute(task, { signal: caller.signal });

  assert.equal(await ended.catch((reason: unknown) => reason), "enough");
});
