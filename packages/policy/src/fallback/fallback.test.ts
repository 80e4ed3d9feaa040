import assert from "node:assert/strict";
import { test } from "node:test";
import { CircuitOpenError } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { retryIfError, retryIfResult } from "../retry/when.ts";
import { fallback } from "./fallback.ts";

const down = new Error("down");
const fails = (): Promise<string> => Promise.reject(down);

test("a fallback returns its value in place of an error, and reports the replaced attempt", async () => {
  const events: PolicyEvent[] = [];

  const value = await fallback({ value: "cached", on: (event) => events.push(event) }).execute(fails);

  assert.equal(value, "cached");
  const [event] = events;
  assert.ok(event?.type === "fell-back");
  assert.deepEqual(event.attempt.outcome, { ok: false, error: down });
});

test("a fallback returns the value of a successful task", async () => {
  assert.equal(await fallback({ value: "cached" }).execute(() => "fresh"), "fresh");
});

test("a fallback replaces only errors that the condition selects", async () => {
  const policy = fallback({ when: retryIfError(CircuitOpenError), value: "cached" });

  assert.equal(await policy.execute(() => Promise.reject(new CircuitOpenError(0))), "cached");
  await assert.rejects(policy.execute(fails), down);
});

test("a fallback replaces a result that the condition selects", async () => {
  const policy = fallback({ when: retryIfResult((value: string) => value === ""), value: null });

  assert.equal(await policy.execute(() => ""), null);
  assert.equal(await policy.execute(() => "full"), "full");
});

test("a fallback runs another task, which receives the replaced attempt", async () => {
  const policy = fallback({
    task: (_scope, { outcome }) => (outcome.ok ? "?" : `instead of ${String(outcome.error)}`),
  });

  assert.equal(await policy.execute(fails), "instead of Error: down");
});

test("an error of the fallback's task gets the replaced error as its cause, unless it has a cause", async () => {
  const bare = new Error("bare");
  const causing = new Error("causing", { cause: "mine" });

  for (const error of [bare, causing]) {
    await assert.rejects(fallback({ task: () => Promise.reject(error) }).execute(fails), error);
  }

  assert.equal(bare.cause, down);
  assert.equal(causing.cause, "mine");
});

test("a fallback never replaces an abort by the caller", async () => {
  const caller = new AbortController();
  const task = (): Promise<never> => {
    caller.abort("enough");
    return Promise.reject(caller.signal.reason);
  };

  const ended = fallback({ value: "cached" }).execute(task, { signal: caller.signal });

  assert.equal(await ended.catch((reason: unknown) => reason), "enough");
});
