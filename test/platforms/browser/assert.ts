/** `node:assert/strict`, as far as the package's tests use it. */
const assert = { ok, equal, notEqual, deepEqual, notDeepEqual, match, fail, throws, rejects };
// oxlint-disable-next-line import/no-default-export -- the module that it stands for has one
export default assert;

type Expected = undefined | RegExp | string | object | ((error: unknown) => boolean);

function fail(message = "failed"): never {
  throw new Error(message);
}

function ok(value: unknown, message?: string): void {
  if (!value) fail(message ?? `${show(value)} is not truthy`);
}

function equal(actual: unknown, expected: unknown, message?: string): void {
  ok(Object.is(actual, expected), message ?? `${show(actual)} is not ${show(expected)}`);
}

function notEqual(actual: unknown, expected: unknown): void {
  ok(!Object.is(actual, expected), `${show(actual)} is not another`);
}

function deepEqual(actual: unknown, expected: unknown, message?: string): void {
  ok(same(actual, expected), message ?? `${show(actual)} is not like ${show(expected)}`);
}

function notDeepEqual(actual: unknown, expected: unknown): void {
  ok(!same(actual, expected), `${show(actual)} is like ${show(expected)}`);
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
  judge(thrown, expected);
}

async function rejects(run: Promise<unknown> | (() => Promise<unknown>), expected?: Expected): Promise<void> {
  const promise = typeof run === "function" ? run() : run;
  judge(
    await promise.then(
      () => undefined,
      (error: unknown) => ({ error }),
    ),
    expected,
  );
}

function judge(thrown: { readonly error: unknown } | undefined, expected: Expected): void {
  if (thrown === undefined) fail("nothing was thrown");
  else if (!fits(thrown.error, expected))
    fail(`${show(thrown.error)} was thrown, expected ${show(expected)}`);
}

function fits(error: unknown, expected: Expected): boolean {
  if (expected === undefined || typeof expected === "string") return true;
  if (expected instanceof RegExp) return expected.test(String(error));
  if (typeof expected !== "function") return includes(error, expected);
  const isClass = expected === Error || expected.prototype instanceof Error;
  return isClass ? error instanceof expected : (expected as (error: unknown) => boolean)(error);
}

function includes(error: unknown, expected: object): boolean {
  return Object.entries(expected).every(([key, value]) => {
    const actual: unknown = Object(error)[key];
    return value instanceof RegExp ? value.test(String(actual)) : same(actual, value);
  });
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Error && b instanceof Error && String(a) !== String(b)) return false;
  return sameEntries(entriesOf(a), entriesOf(b));
}

function entriesOf(value: object): readonly unknown[] {
  if (value instanceof Map || value instanceof Set) return [...value];
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flat();
}

function sameEntries(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((entry, index) => same(entry, b[index]));
}

function show(value: unknown): string {
  if (typeof value === "function") return value.name;
  if (typeof value !== "object" || value === null || value instanceof Error) return String(value);
  return JSON.stringify(value);
}
