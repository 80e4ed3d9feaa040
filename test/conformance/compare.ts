const tolerance = 1e-9;

/** Returns the first difference between `actual` and `expected`, or undefined. Numbers within 1e-9 of each other are equal. */
export function difference(expected: unknown, actual: unknown, at = ""): string | undefined {
  if (sameLeaf(expected, actual)) return undefined;
  if (!isComposite(expected) || !isComposite(actual) || Array.isArray(expected) !== Array.isArray(actual)) {
    return `${at || "it"}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`;
  }
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  for (const key of keys) {
    const found = difference(expected[key], actual[key], at === "" ? key : `${at}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Returns whether two numbers are equal to a relative 1e-9. */
export function close(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}

/** Whether `value` lies within the closed range, to a relative 1e-9. */
export function within(value: number, low: number, high: number): boolean {
  return (value >= low || close(value, low)) && (value <= high || close(value, high));
}

function sameLeaf(expected: unknown, actual: unknown): boolean {
  if (typeof expected === "number" && typeof actual === "number") return close(expected, actual);
  return Object.is(expected, actual);
}

function isComposite(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
