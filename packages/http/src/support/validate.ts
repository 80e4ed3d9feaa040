import { redact } from "@holdfast/policy";
import { isDuration, suggest } from "@holdfast/policy/internal";

/** What is wrong with a value, and where in it: `.timeout.connect` of the options, say, or nowhere further in. */
export interface Problem {
  readonly at: string;
  /** Reads on from the name of what is wrong: `takes a function, got 5`. */
  readonly says: string;
  /** Whether the value is of the right type, but out of its range. */
  readonly range: boolean;
}

/** Says what is wrong with a value that somebody gave; undefined when nothing is. */
export type Check = (value: unknown) => Problem | undefined;

/** Of every option of `T`, what it may be. */
export type Checks<T> = Readonly<Record<keyof T, Check>>;

/**
 * Refuses a value that has a problem, under the name of what it was given to.
 *
 * @throws TypeError, or RangeError for what is of the right type but out of its range.
 */
export function refuse(name: string, problem: Problem | undefined): void {
  if (problem === undefined) return;
  const message = `${name}${problem.at} ${problem.says}`;
  throw problem.range ? new RangeError(message) : new TypeError(message);
}

/** What the values are that fit: in words, and by a test; `type` is that of the values which may be out of range. */
export interface Kind {
  readonly wanted: string;
  readonly fits: (value: unknown) => boolean;
  readonly type?: "number" | "string" | undefined;
  /** Whether what was given may be a secret, which no message quotes. */
  readonly secret?: boolean;
}

/** A value of one kind. */
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

/** Options by their names, all of which may be missing, and no others. `hints` say what those of other libraries are here. */
export function options<T>(checks: Checks<T>, hints: Readonly<Record<string, string>> = {}): Check {
  const known = new Map<string, Check>(Object.entries<Check>(checks));
  return (value) => {
    if (!isObject(value) || Array.isArray(value)) return notOptions(value, known);
    // Hot path: every request with options comes by here; a list of the names would be one more object.
    for (const name in value) {
      const check = known.get(name);
      const problem = check === undefined ? unknownName(name, known, hints) : checkGiven(check, value[name]);
      if (problem !== undefined)
        return { ...problem, at: check === undefined ? "" : `.${name}${problem.at}` };
    }
    return undefined;
  };
}

/** A list of which each member passes. */
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
  wanted: 'milliseconds, 0 or more, or a text such as "30s"',
  fits: isDuration,
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

/** Something with these methods. */
export function objectWithMethods(wanted: string, methods: readonly string[]): Check {
  return kind({
    wanted,
    fits: (value) => isObject(value) && methods.every((name) => isFunction(value[name])),
  });
}

/** A name of a header (RFC 9110 §5.1). */
export const headerName: Check = kind({
  wanted: "the name of a header",
  fits: (value) => typeof value === "string" && isToken(value),
  type: "string",
});

/** Whether a text is a token (RFC 9110 §5.6.2), as the names of methods and headers are. */
export function isToken(text: string): boolean {
  return token.test(text);
}

const token = /^[\w!#$%&'*+.^`|~-]+$/;

/** Whether a text can be the value of a header: printable, and one byte a character (RFC 9110 §5.5). */
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

/** A value as a message quotes it: short, on one line, and without what looks like credentials. */
export function quote(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(redact(value.length > 60 ? `${value.slice(0, 60)}…` : value));
  return typeof value === "number" || typeof value === "boolean" ? String(value) : describeKind(value);
}

/** What a value is, without saying what is in it. */
export function describeKind(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  const type = typeof value;
  return type === "string" ? "a text" : type === "object" ? "an object" : `a ${type}`;
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

function unknownName(
  name: string,
  known: ReadonlyMap<string, Check>,
  hints: Readonly<Record<string, string>>,
): Problem {
  const names = [...known.keys()];
  const hint = Object.hasOwn(hints, name) ? hints[name] : suggest(name, names);
  const more = hint === undefined ? `it has ${names.join(", ")}` : `did you mean ${hint}?`;
  return { at: "", says: `has no option ${quote(name)}: ${more}`, range: false };
}
