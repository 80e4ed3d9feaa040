/** `node:assert/strict`, as far as the package's tests use it. */
const assert = { ok, equal, notEqual, deepEqual, notDeepEqual, match, fail, throws, rejects };
// oxlint-disable-next-line import/no-default-export -- node:assert/strict has one
export default assert;

type Expected = undefined | RegExp | string | object | ((error: unknown) => boolean);

function fail(message = "failed"): never {
  throw new Error(message);
}

function ok(value: unknown, message?: string): void {
  if (!value) fail(message ?? `${format(value)} is not truthy`);
}

function equal(actual: unknown, expected: unknown, message?: string): void {
  ok(Object.is(actual, expected), message ?? `${format(actual)} is not ${format(expected)}`);
}

function notEqual(actual: unknown, expected: unknown): void {
  ok(!Object.is(actual, expected), `${format(actual)} is equal to the value that it must differ from`);
}

function deepEqual(actual: unknown, expected: unknown, message?: string): void {
  ok(isDeepEqual(actual, expected), message ?? `${format(actual)} does not deep-equal ${format(expected)}`);
}

function notDeepEqual(actual: unknown, expected: unknown): void {
  ok(!isDeepEqual(actual, expected), `${format(actual)} deep-equals ${format(expected)}`);
}

function match(text: string, pattern: RegExp): void {
  ok(pattern.test(text), `${text} does not match ${String(pattern)}`);
}

function throws(run: () => unknown, expected?: Expected): void {
  let thrown: { readonly error: unknown } | undefined;
  try {
    run();
  } catch (error) {
    thrown = { error };
  }
  checkThrown(thrown, expected);
}

async function rejects(run: Promise<unknown> | (() => Promise<unknown>), expected?: Expected): Promise<void> {
  const promise = typeof run === "function" ? run() : run;
  checkThrown(
    await promise.then(
      () => undefined,
      (error: unknown) => ({ error }),
    ),
    expected,
  );
}

function checkThrown(thrown: { readonly error: unknown } | undefined, expected: Expected): void {
  if (thrown === undefined) fail("Expected an error, but none was thrown");
  else if (!matchesExpected(thrown.error, expected))
    fail(`Expected ${format(expected)}, but ${format(thrown.error)} was thrown`);
}

function matchesExpected(error: unknown, expected: Expected): boolean {
  if (expected === undefined || typeof expected === "string") return true;
  if (expected instanceof RegExp) return expected.test(String(error));
  if (typeof expected !== "function") return includes(error, expected);
  const isClass = expected === Error || expected.prototype instanceof Error;
  return isClass ? error instanceof expected : (expected as (error: unknown) => boolean)(error);
}

function includes(error: unknown, expected: object): boolean {
  return Object.entries(expected).every(([key, value]) => {
    const actual: unknown = Object(error)[key];
    return value instanceof RegExp ? value.test(String(actual)) : isDeepEqual(actual, value);
  });
}

function isDeepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Error && b instanceof Error && String(a) !== String(b)) return false;
  return areEntriesEqual(listEntries(a), listEntries(b));
}

function listEntries(value: object): readonly unknown[] {
  if (value instanceof Map || value instanceof Set) return [...value];
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flat();
}

function areEntriesEqual(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((entry, index) => isDeepEqual(entry, b[index]));
}

function format(value: unknown): string {
  if (typeof value === "function") return value.name;
  if (typeof value !== "object" || value === null || value instanceof Error) return String(value);
  return JSON.stringify(value);
}
