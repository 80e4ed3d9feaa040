import { redact } from "@holdfast/policy";
import { isDuration, ownValue, suggest, toMs } from "@holdfast/policy/internal";

/** A problem of a value, and its path inside the value, for example `.timeout.connect`. */
export interface Problem {
  readonly at: string;
  /** The end of the message, after the name of the option: `takes a function, got 5`. */
  readonly says: string;
  /** Whether the value has the right type, but is out of range. */
  readonly range: boolean;
}

/** Validates a value. Returns its problem, or undefined. */
export type Check = (value: unknown) => Problem | undefined;

/** A check for every option of `T`. */
export type Checks<T> = Readonly<Record<keyof T, Check>>;

/**
 * Throws if a value has a problem. `name` is the option or function in the message.
 *
 * @throws TypeError, or RangeError for a value of the right type that is out of range.
 */
export function refuse(name: string, problem: Problem | undefined): void {
  if (problem === undefined) return;
  const message = `${name}${problem.at} ${problem.says}`;
  throw problem.range ? new RangeError(message) : new TypeError(message);
}

/** A kind of values: its description, and its test. Values of `type` that fail the test are out of range. */
export interface Kind {
  readonly wanted: string;
  readonly fits: (value: unknown) => boolean;
  readonly type?: "number" | "string" | undefined;
  /** Whether the value may be a secret, which no message may quote. */
  readonly secret?: boolean;
}

/** Returns a check for one kind of values. */
export function kind({ wanted, fits, type, secret = false }: Kind): Check {
  return (value) =>
    fits(value)
      ? undefined
      : {
          at: "",
          says: `takes ${wanted}, got ${secret ? describeKind(value) : quote(value)}`,
          range: typeof value === type,
        };
}

/**
 * Returns a check for an object of optional options. `hints` map option names of other libraries to ours. `advice` ends the
 * message about a value that has nothing in common with options.
 */
export function options<T>(
  checks: Checks<T>,
  hints: Readonly<Record<string, string>> = {},
  advice = "",
): Check {
  const known = new Map<string, Check>(Object.entries<Check>(checks));
  const withAdvice = (problem: Problem): Problem => ({ ...problem, says: `${problem.says}${advice}` });
  return (value) => {
    if (!isObject(value) || Array.isArray(value)) return withAdvice(notOptions(value, known));
    // Hot path: called for every request with options. A list of the names would be one more object.
    for (const name in value) {
      const check = known.get(name);
      const problem =
        check === undefined
          ? unknownName({ name, known, hints: Object.hasOwn(value, name) ? hints : noHints, advice })
          : checkGiven(check, value[name]);
      if (problem !== undefined)
        return { ...problem, at: check === undefined ? "" : `.${name}${problem.at}` };
    }
    return undefined;
  };
}

/** Returns a check for a list in which each member passes `member`. */
export function listOf(member: Check, wanted: string): Check {
  const list = kind({ wanted, fits: Array.isArray });
  return (value) => {
    if (!Array.isArray(value)) return list(value);
    for (const [index, one] of value.entries()) {
      const problem = member(one);
      if (problem !== undefined) return { ...problem, at: `[${index}]${problem.at}` };
    }
    return undefined;
  };
}

export const flag: Check = kind({ wanted: "true or false", fits: (value) => typeof value === "boolean" });

export const aFunction: Check = kind({ wanted: "a function", fits: isFunction });

export const duration: Check = kind({
  wanted: 'milliseconds, 0 or more, or a string such as "30s"',
  fits: isDuration,
  type: "number",
});

/** A duration of more than 0. A limit of 0 would always expire immediately, and other libraries use 0 for no limit. */
export const timeLimit: Check = kind({
  wanted: 'milliseconds, more than 0, or a string such as "30s"',
  fits: (value) => isDuration(value) && toMs(value) > 0,
  type: "number",
});

/** A whole number of at least `least`, or Infinity. */
export function integer(least: number, what = "a whole number"): Check {
  return kind({
    wanted: `${what}, ${least} or more`,
    fits: (value) =>
      typeof value === "number" && value >= least && (Number.isInteger(value) || value === Infinity),
    type: "number",
  });
}

/** Returns a check for an object with these methods. */
export function objectWithMethods(wanted: string, methods: readonly string[]): Check {
  return kind({
    wanted,
    fits: (value) => isObject(value) && methods.every((name) => isFunction(value[name])),
  });
}

/** Validates the name of a header (RFC 9110 §5.1). */
export const headerName: Check = kind({
  wanted: "the name of a header",
  fits: (value) => typeof value === "string" && isToken(value),
  type: "string",
});

/** Returns whether a string is a token (RFC 9110 §5.6.2), like the names of methods and headers. */
export function isToken(text: string): boolean {
  return token.test(text);
}

const token = /^[\w!#$%&'*+.^`|~-]+$/;

/** Returns whether a string can be the value of a header: printable, one byte per character (RFC 9110 §5.5). */
export function isFieldValue(text: string): boolean {
  return !unsendable.test(text);
}

const unsendable = /[^\t\u0020-\u007e\u0080-\u00ff]/;

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

export function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

/** Quotes a value for a message: short, on one line, and without credentials. */
export function quote(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(redact(value.length > 60 ? `${value.slice(0, 60)}…` : value));
  return typeof value === "number" || typeof value === "boolean" ? String(value) : describeKind(value);
}

/** Describes the type of a value without its content. */
export function describeKind(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  const type = typeof value;
  return type === "string" ? "a string" : type === "object" ? "an object" : `a ${type}`;
}

function checkGiven(check: Check, value: unknown): Problem | undefined {
  return value === undefined ? undefined : check(value);
}

function notOptions(value: unknown, known: ReadonlyMap<string, Check>): Problem {
  return {
    at: "",
    says: `takes { ${[...known.keys()].join(", ")} }, got ${describeKind(value)}`,
    range: false,
  };
}

// A form or another object in the place of options has inherited names, such as `size`.
const noHints = {};

function unknownName({
  name,
  known,
  hints,
  advice,
}: {
  readonly name: string;
  readonly known: ReadonlyMap<string, Check>;
  readonly hints: Readonly<Record<string, string>>;
  readonly advice: string;
}): Problem {
  const names = [...known.keys()];
  const hint = ownValue(hints, name) ?? suggest(name, names);
  const more = hint === undefined ? `it has ${names.join(", ")}${advice}` : `did you mean ${hint}?`;
  return { at: "", says: `has no option ${quote(name)}: ${more}`, range: false };
}
