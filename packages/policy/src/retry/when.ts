import { withName, combinedName } from "../support/strategy-name.ts";
import type { Attempt } from "../core/attempt.ts";

/** Answers *again?* after an attempt. */
export interface When<in T = unknown> {
  (attempt: Attempt<T>): boolean | Promise<boolean>;
  /** Says of a result, at once and for less than asking costs, that it needs no further attempt. */
  readonly accepts?: (value: T) => boolean;
}

/** Anything that `instanceof` takes: an error class, abstract ones included. */
export type ErrorClass = abstract new (...args: never[]) => unknown;

/** Picks errors: by class, or by a predicate. */
export type ErrorTest = ErrorClass | ((error: unknown) => boolean | Promise<boolean>);

/** Retries when the task threw an error that any of the tests picks; without tests, any error at all. */
export function retryIfError(...tests: readonly ErrorTest[]): When {
  const picks = anyTest(tests);
  return retryOnErrors(combinedName("retryIfError", tests), (error) => tests.length === 0 || picks(error));
}

/** Retries when the task threw an error that none of the tests picks. */
export function retryIfNotError(...tests: readonly ErrorTest[]): When {
  const picks = anyTest(tests);
  return retryOnErrors(combinedName("retryIfNotError", tests), async (error) => !(await picks(error)));
}

/** Retries until the task throws an error that one of the tests picks: after every result, and after other errors. */
export function retryUnlessError(...tests: readonly ErrorTest[]): When {
  const picks = anyTest(tests);
  return withName(
    combinedName("retryUnlessError", tests),
    async ({ outcome }) => outcome.ok || !(await picks(outcome.error)),
  );
}

/** Retries when a cause of the error, at any depth, is picked by one of the tests; the error itself is not asked. */
export function retryIfErrorCause(...tests: readonly ErrorTest[]): When {
  const picks = anyTest(tests);
  return retryOnErrors(combinedName("retryIfErrorCause", tests), async (error) => {
    for (const cause of listCauses(error)) {
      if (tests.length === 0 || (await picks(cause))) return true;
    }
    return false;
  });
}

/** Retries when the error's message is the text, or matches the pattern. */
export function retryIfErrorMessage(expected: string | RegExp): When {
  return retryOnErrors(`retryIfErrorMessage(${String(expected)})`, (error) =>
    matches(getMessage(error), expected),
  );
}

/**
 * Retries until the task throws an error whose message is the text, or matches the pattern: after other errors, and as
 * in tenacity after every result too.
 */
export function retryIfNotErrorMessage(expected: string | RegExp): When {
  return withName(
    `retryIfNotErrorMessage(${String(expected)})`,
    ({ outcome }) => outcome.ok || !matches(getMessage(outcome.error), expected),
  );
}

/** Retries when the task returned a value that the predicate picks. */
export function retryIfResult<T>(predicate: (value: T) => boolean | Promise<boolean>): When<T> {
  return withName(
    combinedName("retryIfResult", [predicate]),
    ({ outcome }) => outcome.ok && predicate(outcome.value),
  );
}

/** Retries when the task returned a value that the predicate does not pick. */
export function retryIfNotResult<T>(predicate: (value: T) => boolean | Promise<boolean>): When<T> {
  return withName(
    combinedName("retryIfNotResult", [predicate]),
    async ({ outcome }) => outcome.ok && !(await predicate(outcome.value)),
  );
}

/** Retries after everything. */
export const retryAlways: When = withName("retryAlways", () => true);

/** Never retries. */
export const retryNever: When = withAcceptedResults(withName("retryNever", () => false));

/** Retries when any of the conditions does; of none, never. */
export function retryAny<T = unknown>(...conditions: readonly When<T>[]): When<T> {
  return combineConditions("retryAny", conditions, true);
}

/** Retries when all of the conditions do; of none, always. */
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

function retryOnErrors(name: string, picks: (error: unknown) => boolean | Promise<boolean>): When {
  return withAcceptedResults(withName(name, ({ outcome }: Attempt) => !outcome.ok && picks(outcome.error)));
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

// A class has a prototype that cannot be reassigned; a function written as a predicate has none, or an ordinary one.
function isClass(test: ErrorTest): test is ErrorClass {
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
