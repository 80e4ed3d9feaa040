import assert from "node:assert/strict";
import { test } from "node:test";
import { failed, succeeded, type Outcome } from "../core/outcome.ts";
import type { Attempt } from "../core/attempt.ts";
import {
  retryAll,
  retryAlways,
  retryAny,
  retryIfError,
  retryIfErrorCause,
  retryIfErrorMessage,
  retryIfNotError,
  retryIfNotErrorMessage,
  retryIfNotResult,
  retryIfResult,
  retryNever,
  retryUnlessError,
  type When,
} from "./when.ts";

abstract class NetworkError extends Error {}
class ResetError extends NetworkError {}

function attempt<T>(outcome: Outcome<T>): Attempt<T> {
  return { number: 1, outcome, startedAt: 0, endedAt: 0, elapsed: 0, waited: 0, idleFor: 0 };
}

const reset = failed(new ResetError("socket hang up"));
const type = failed(new TypeError("not a function"));
const nested = failed(
  new Error("outer", { cause: new TypeError("middle", { cause: new ResetError("inner") }) }),
);
const text = failed("busy");
const empty = succeeded(null);
const five = succeeded(5);

const isBusy = (error: unknown): boolean => error === "busy";
const isBusySoon = async (error: unknown): Promise<boolean> => error === "busy";
const isNull = (value: unknown): boolean => value === null;
const isNullSoon = async (value: unknown): Promise<boolean> => value === null;

const rows: readonly (readonly [When, Outcome<unknown>, boolean])[] = [
  [retryIfError(), reset, true],
  [retryIfError(), text, true],
  [retryIfError(), five, false],
  [retryIfError(NetworkError), reset, true],
  [retryIfError(NetworkError), type, false],
  [retryIfError(NetworkError), nested, false],
  [retryIfError(TypeError, NetworkError), reset, true],
  [retryIfError(isBusy), text, true],
  [retryIfError(isBusy), type, false],
  [retryIfError(TypeError, isBusySoon), text, true],
  [retryIfError(isBusySoon), reset, false],
  [retryIfNotError(NetworkError), reset, false],
  [retryIfNotError(NetworkError), type, true],
  [retryIfNotError(NetworkError), five, false],
  [retryIfNotError(NetworkError, isBusySoon), text, false],
  [retryUnlessError(NetworkError), reset, false],
  [retryUnlessError(NetworkError), type, true],
  [retryUnlessError(NetworkError), five, true],
  [retryIfErrorCause(NetworkError), nested, true],
  [retryIfErrorCause(RangeError), nested, false],
  [retryIfErrorCause(ResetError), reset, false],
  [retryIfErrorCause(), nested, true],
  [retryIfErrorCause(), reset, false],
  [retryIfErrorCause(), five, false],
  [retryIfErrorMessage("socket hang up"), reset, true],
  [retryIfErrorMessage("socket"), reset, false],
  [retryIfErrorMessage(/^socket/), reset, true],
  [retryIfErrorMessage(/busy/g), text, true],
  [retryIfErrorMessage(/x/), five, false],
  [retryIfNotErrorMessage("socket hang up"), reset, false],
  [retryIfNotErrorMessage(/busy/), reset, true],
  [retryIfNotErrorMessage(/busy/), five, true],
  [retryIfResult(isNull), empty, true],
  [retryIfResult(isNull), five, false],
  [retryIfResult(isNull), reset, false],
  [retryIfResult(isNullSoon), empty, true],
  [retryIfNotResult(isNull), empty, false],
  [retryIfNotResult(isNull), five, true],
  [retryIfNotResult(isNullSoon), five, true],
  [retryIfNotResult(isNull), reset, false],
  [retryAlways, five, true],
  [retryNever, reset, false],
  [retryAny(retryIfError(TypeError), retryIfResult(isNull)), empty, true],
  [retryAny(retryIfError(TypeError), retryIfResult(isNull)), type, true],
  [retryAny(retryIfError(TypeError), retryIfResult(isNullSoon)), five, false],
  [retryAny(), reset, false],
  [retryAll(retryIfError(NetworkError), retryIfErrorMessage(/hang/)), reset, true],
  [retryAll(retryIfError(NetworkError), retryIfErrorMessage(/busy/)), reset, false],
  [retryAll(), five, true],
];

for (const [when, outcome, again] of rows) {
  const name = outcome.ok ? `the value ${String(outcome.value)}` : `the error ${String(outcome.error)}`;
  test(`${when.name} returns ${again} for ${name}`, async () => {
    assert.equal(await when(attempt(outcome)), again);
  });
}

test("retryIfErrorMessage gives the same result every time for a global pattern", async () => {
  const when = retryIfErrorMessage(/hang/g);

  assert.deepEqual([await when(attempt(reset)), await when(attempt(reset))], [true, true]);
});

test("retryIfErrorCause ends with circular causes", async () => {
  const first = new Error("first");
  first.cause = new Error("second", { cause: first });

  assert.equal(await retryIfErrorCause(NetworkError)(attempt(failed(first))), false);
});

test("a function that is not a class is a predicate", async () => {
  const received: unknown[] = [];
  function declared(error: unknown): boolean {
    received.push(error);
    return true;
  }

  assert.equal(await retryIfError(declared)(attempt(text)), true);
  assert.deepEqual(received, ["busy"]);
});

test("combined conditions stop at the first decisive condition", async () => {
  const never: When = () => assert.fail("called");

  assert.equal(await retryAny(retryAlways, never)(attempt(five)), true);
  assert.equal(await retryAll(retryNever, never)(attempt(five)), false);
});

test("conditions are named after their settings", () => {
  assert.equal(retryIfError(TypeError, isBusy).name, "retryIfError(TypeError, isBusy)");
  assert.equal(
    retryAny(retryIfError(), retryIfResult(isNull)).name,
    "retryAny(retryIfError(), retryIfResult(isNull))",
  );
});
