import { suggest, ownValue } from "@holdfast/policy/internal";
import type { LineResult } from "./result.ts";

/** Chooses lines of a run. */
export type LineFilter = (line: LineResult) => boolean;

type Operator = "=" | "!=" | "<" | ">" | "~";
type Value = string | number | boolean | undefined;

/** How the values of a field are written and compared. */
type Kind = "text" | "number" | "boolean" | "time" | "state";

/** The fields, named as in the exported JSON. */
const fields = {
  line: "number",
  list: "text",
  method: "text",
  url: "text",
  state: "state",
  reason: "text",
  retryable: "boolean",
  status: "number",
  attempts: "number",
  bytes: "number",
  finalUrl: "text",
  contentType: "text",
  fetchedAt: "time",
} as const satisfies Partial<Record<keyof LineResult, Kind>>;

type FieldName = keyof typeof fields;

/** "waiting" is the word of the report for lines that are pending or deferred. */
const states: Readonly<Record<string, readonly string[]>> = {
  done: ["done"],
  failed: ["failed"],
  skipped: ["skipped"],
  unknown: ["unknown"],
  pending: ["pending"],
  deferred: ["deferred"],
  waiting: ["pending", "deferred"],
};

interface Token {
  readonly text: string;
  /** The position in the expression, from 1. */
  readonly at: number;
  readonly isQuoted: boolean;
}

const token =
  /\s*(?:(?<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<sign>!=|[=<>~()])|(?<word>[^\s"'=<>~()!]\S*?(?=[\s()=<>~]|!=|$))|(?<bad>\S))/gy;

/**
 * Parses an expression that chooses lines: `field op value`, joined by `and`, `or` and parentheses, where `and` binds more
 * closely. The fields are those of the exported JSON. The operators are `=`, `!=`, `<`, `>` and `~` (a regular expression). A
 * value with a space, an operator or a parenthesis is quoted.
 *
 * @throws TypeError that names the position of the fault, and what is expected there.
 */
export function parseWhere(text: string): LineFilter {
  return new WhereParser(text).parse();
}

class WhereParser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  parse(): LineFilter {
    const filter = this.#parseOr();
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw this.#error(`expected "and", "or" or the end, got "${rest.text}"`, rest);
    return filter;
  }

  #parseOr(): LineFilter {
    const parts = [this.#parseAnd()];
    while (this.#takeWord("or")) parts.push(this.#parseAnd());
    return (line) => parts.some((part) => part(line));
  }

  #parseAnd(): LineFilter {
    const parts = [this.#parsePrimary()];
    while (this.#takeWord("and")) parts.push(this.#parsePrimary());
    return (line) => parts.every((part) => part(line));
  }

  #parsePrimary(): LineFilter {
    if (!this.#takeWord("(")) return this.#parseComparison();
    const filter = this.#parseOr();
    if (!this.#takeWord(")")) throw this.#error(`expected ")"`, this.#tokens[this.#next]);
    return filter;
  }

  #parseComparison(): LineFilter {
    const name = this.#take("a field, such as status");
    const field = findField(name.text);
    if (field === undefined) throw this.#error(describeUnknownField(name.text), name);
    const sign = this.#take(`an operator after ${field}: = != < > ~`);
    const operator = (["=", "!=", "<", ">", "~"] as const).find((each) => each === sign.text);
    if (operator === undefined || sign.isQuoted)
      throw this.#error(`expected an operator after ${field}: = != < > ~, got "${sign.text}"`, sign);
    const value = this.#take(`a value after ${operator}`);
    if (!value.isQuoted && /^(?:!=|[=<>~()])$/.test(value.text))
      throw this.#error(`expected a value after ${operator}, got "${value.text}"`, value);
    try {
      return compare(field, operator, value.text);
    } catch (error) {
      throw error instanceof TypeError ? this.#error(error.message, value) : error;
    }
  }

  #takeWord(word: string): boolean {
    const next = this.#tokens[this.#next];
    if (next === undefined || next.isQuoted || next.text.toLowerCase() !== word) return false;
    this.#next += 1;
    return true;
  }

  #take(expected: string): Token {
    const next = this.#tokens[this.#next];
    if (next === undefined) throw this.#error(`expected ${expected}`, undefined);
    this.#next += 1;
    return next;
  }

  #error(problem: string, at: Token | undefined): TypeError {
    const place = at === undefined ? "at the end" : `at character ${at.at}`;
    return new TypeError(`${JSON.stringify(this.#text)}, ${place}: ${problem}`);
  }
}

function tokenize(text: string): readonly Token[] {
  return [...text.trimEnd().matchAll(token)].map((match) => {
    const { quoted, sign, word, bad } = match.groups ?? {};
    const at = match.index + match[0].length - match[0].trimStart().length + 1;
    if (bad !== undefined && bad !== "!") throw unclosedQuote(text, at);
    if (quoted !== undefined)
      return { text: quoted.slice(1, -1).replaceAll(/\\(["'\\])/g, "$1"), at, isQuoted: true };
    return { text: sign ?? word ?? bad ?? "", at, isQuoted: false };
  });
}

function unclosedQuote(text: string, at: number): TypeError {
  return new TypeError(`${JSON.stringify(text)}, at character ${at}: expected the end of the quoted value`);
}

function findField(name: string): FieldName | undefined {
  return fieldNames.find((field) => field === name);
}

const fieldNames = Object.keys(fields).filter((name): name is FieldName => Object.hasOwn(fields, name));

function describeUnknownField(name: string): string {
  const similar = suggest(name, fieldNames);
  const help = similar === undefined ? `the fields are ${fieldNames.join(", ")}` : `did you mean ${similar}?`;
  return `unknown field "${name}" (${help})`;
}

function compare(field: FieldName, operator: Operator, text: string): LineFilter {
  if (operator === "~") return match(field, text);
  const kind: Kind = fields[field];
  if (kind === "state") return compareState(operator, text);
  const value = parseValue(kind, text);
  if (operator === "=") return (line) => line[field] === value;
  // A line without a response has no status, so its status is not 200.
  if (operator === "!=") return (line) => line[field] !== value;
  if (typeof value !== "number") throw new TypeError(`${field} is no number: use = != or ~`);
  return operator === "<" ? (line) => isLess(line[field], value) : (line) => isLess(value, line[field]);
}

function isLess(one: Value, other: Value): boolean {
  return typeof one === "number" && typeof other === "number" && one < other;
}

function match(field: FieldName, text: string): LineFilter {
  let pattern: RegExp;
  try {
    pattern = new RegExp(text, "u");
  } catch {
    throw new TypeError(`"${text}" is not a regular expression`);
  }
  const isTime = fields[field] === "time";
  return (line) => {
    const value: Value = line[field];
    if (value === undefined) return false;
    return pattern.test(isTime ? new Date(Number(value)).toISOString() : String(value));
  };
}

function compareState(operator: Exclude<Operator, "~">, text: string): LineFilter {
  const wanted = ownValue(states, text);
  if (wanted === undefined)
    throw new TypeError(`unknown state "${text}" (the states are ${Object.keys(states).join(", ")})`);
  if (operator !== "=" && operator !== "!=") throw new TypeError("state is no number: use = != or ~");
  return ({ state }) => wanted.includes(state) === (operator === "=");
}

function parseValue(kind: Exclude<Kind, "state">, text: string): Value {
  switch (kind) {
    case "text":
      return text;
    case "boolean":
      if (text === "true" || text === "false") return text === "true";
      throw new TypeError(`expected true or false, got "${text}"`);
    case "number":
      if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
      throw new TypeError(`expected a number, got "${text}"`);
    case "time": {
      const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
      if (!Number.isNaN(time)) return time;
      throw new TypeError(`expected a time, such as 2026-05-01 or 2026-05-01T12:00:00Z, got "${text}"`);
    }
  }
}

/** Returns the lines that a filter chooses. */
export function* filterLines(
  results: Iterable<LineResult>,
  where: LineFilter | undefined,
): Generator<LineResult, void, undefined> {
  for (const line of results) if (where === undefined || where(line)) yield line;
}
