import { withName, combinedName } from "../support/strategy-name.ts";
import type { Attempt } from "../core/attempt.ts";

/** Decides whether to retry after an attempt. */
export interface When<in T = unknown> {
  (attempt: Attempt<T>): boolean | Promise<boolean>;
  /** Returns true for a result that never needs a retry. A cheap and synchronous check before the condition itself. */
  readonly accepts?: (value: T) => boolean;
}

/** An error class, abstract or not. */
export type ErrorClass = abstract new (...args: never[]) => unknown;

/** Matches errors: by class, or by a predicate. */
export type ErrorTest = ErrorClass | ((error: unknown) => boolean | Promise<boolean>);

/** Retries when the task threw an error that any of the tests matches. Without tests, any error matches. */
export function retryIfError(...tests: readonly ErrorTest[]): When {
  const matchesTest = anyTest(tests);
  return retryOnErrors(
    combinedName("retryIfError", tests),
    (error) => tests.length === 0 || matchesTest(error),
  );
}

/** Retries when the task threw an error that none of the tests matches. */
export function retryIfNotError(...tests: readonly ErrorTest[]): When {
  const matchesTest = anyTest(tests);
  return retryOnErrors(combinedName("retryIfNotError", tests), async (error) => !(await matchesTest(error)));
}

/** Retries after every result and every error, until the task throws an error that one of the tests matches. */
export function retryUnlessError(...tests: readonly ErrorTest[]): When {
  const matchesTest = anyTest(tests);
  return withName(
    combinedName("retryUnlessError", tests),
    async ({ outcome }) => outcome.ok || !(await matchesTest(outcome.error)),
  );
}

/** Retries when one of the tests matches a cause of the error, at any depth. The error itself is not tested. */
export function retryIfErrorCause(...tests: readonly ErrorTest[]): When {
  const matchesTest = anyTest(tests);
  return retryOnErrors(combinedName("retryIfErrorCause", tests), async (error) => {
    for (const cause of listCauses(error)) {
      if (tests.length === 0 || (await matchesTest(cause))) return true;
    }
    return false;
  });
}

/** Retries when the error's message equals the text or matches the pattern. */
export function retryIfErrorMessage(expected: string | RegExp): When {
  return retryOnErrors(`retryIfErrorMessage(${String(expected)})`, (error) =>
    matches(getMessage(error), expected),
  );
}

/**
 * Retries after every other error and, as in tenacity, after every result, until the task throws an error whose message
 * equals the text or matches the pattern.
 */
export function retryIfNotErrorMessage(expected: string | RegExp): When {
  return withName(
    `retryIfNotErrorMessage(${String(expected)})`,
    ({ outcome }) => outcome.ok || !matches(getMessage(outcome.error), expected),
  );
}

/** Retries when the predicate returns true for the value of the task. */
export function retryIfResult<T>(predicate: (value: T) => boolean | Promise<boolean>): When<T> {
  return withName(
    combinedName("retryIfResult", [predicate]),
    ({ outcome }) => outcome.ok && predicate(outcome.value),
  );
}

/** Retries when the predicate returns false for the value of the task. */
export function retryIfNotResult<T>(predicate: (value: T) => boolean | Promise<boolean>): When<T> {
  return withName(
    combinedName("retryIfNotResult", [predicate]),
    async ({ outcome }) => outcome.ok && !(await predicate(outcome.value)),
  );
}

/** Retries after every attempt. */
export const retryAlways: When = withName("retryAlways", () => true);

/** Never retries. */
export const retryNever: When = withAcceptedResults(withName("retryNever", () => false));

/** Retries when any of the conditions asks for it. Without conditions, never retries. */
export function retryAny<T = unknown>(...conditions: readonly When<T>[]): When<T> {
  return combineConditions("retryAny", conditions, true);
}

/** Retries when all of the conditions ask for it. Without conditions, always retries. */
export function retryAll<T = unknown>(...conditions: readonly When<T>[]): When<T> {
  return combineConditions("retryAll", conditions, false);
}

function combineConditions<T>(name: string, conditions: readonly When<T>[], decisive: boolean): When<T> {
  const when: When<T> = withName(combinedName(name, conditions), async (attempt: Attempt<T>) => {
    for (const condition of conditions) {
      if ((await condition(attempt)) === decisive) return decisive;
    }
    return !decisive;
  });
  return conditions.length > 0 && conditions.every((condition) => condition.accepts === acceptAll)
    ? withAcceptedResults(when)
    : when;
}

function retryOnErrors(name: string, matchesTest: (error: unknown) => boolean | Promise<boolean>): When {
  return withAcceptedResults(
    withName(name, ({ outcome }: Attempt) => !outcome.ok && matchesTest(outcome.error)),
  );
}

function acceptAll(): boolean {
  return true;
}

function withAcceptedResults<T>(when: When<T>): When<T> {
  return Object.assign(when, { accepts: acceptAll });
}

function anyTest(tests: readonly ErrorTest[]): (error: unknown) => boolean | Promise<boolean> {
  const [only] = tests;
  if (tests.length === 1 && only !== undefined) return (error) => runTest(only, error);
  return async (error) => {
    for (const test of tests) {
      if (await runTest(test, error)) return true;
    }
    return false;
  };
}

function runTest(test: ErrorTest, error: unknown): boolean | Promise<boolean> {
  return isClass(test) ? error instanceof test : test(error);
}

/** Returns whether a function is a class. */
// The prototype of a class is read-only. An arrow function has no prototype, and that of other functions is writable.
export function isClass(test: object): test is ErrorClass {
  return Object.getOwnPropertyDescriptor(test, "prototype")?.writable === false;
}

function* listCauses(error: unknown): Generator {
  const seen = new Set([error]);
  for (let cause = getCause(error); cause !== undefined && !seen.has(cause); cause = getCause(cause)) {
    seen.add(cause);
    yield cause;
  }
}

function getCause(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function getMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function matches(message: string, expected: string | RegExp): boolean {
  if (typeof expected === "string") return message === expected;
  expected.lastIndex = 0;
  return expected.test(message);
}
