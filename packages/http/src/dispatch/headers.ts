import type { OriginDefaults } from "../call/build-request.ts";
import type { HeaderRecord } from "../model/headers.ts";
import { describeKind } from "../support/validate.ts";
import type { DispatchHeaders, DispatchOptions } from "./contract.ts";

/** Headers of a request by their names in lower case, and the names as they are written. */
export interface WrittenHeaders {
  readonly headers: HeaderRecord;
  /** Undefined if all are in lower case. */
  readonly names: Readonly<Record<string, string>> | undefined;
}

/** Whether a header has the value that the platform's fetch adds itself, so that one of the session replaces it. */
export type IsReplaceable = (name: string, value: string) => boolean;

/**
 * Returns the headers of the session, and those of the caller over them, with the names as the caller wrote them.
 *
 * @throws TypeError for a value that is not text.
 */
export function mergeWritten(
  added: OriginDefaults,
  { headers: given, reset, body }: Pick<DispatchOptions, "headers" | "reset" | "body">,
  isReplaceable: IsReplaceable | undefined,
): WrittenHeaders {
  const headers = emptyRecord();
  let names: Record<string, string> | undefined;
  for (const [written, raw] of headerPairs(given ?? null)) {
    const name = written.toLowerCase();
    const value = toText(name, raw);
    if (value === undefined || isReplaced(added.headers, name, value, isReplaceable)) continue;
    addValue(headers, name, value);
    if (isWrittenDifferently(name, written)) (names ??= emptyRecord<string>())[name] = written;
  }
  for (const [name, value] of Object.entries(added.headers)) headers[name] ??= value;
  setLength(headers, body);
  if (reset === true) headers["connection"] = "close";
  return { headers, names };
}

/** A record without a prototype: a header may well have the name `constructor`. */
function emptyRecord<T = string | string[]>(): Record<string, T> {
  // Hot path: `Object.setPrototypeOf` takes several times as long.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an empty object is a record of anything
  return Object.create(null) as Record<string, T>;
}

/** The transport looks the length up in lower case. */
function isWrittenDifferently(name: string, written: string): boolean {
  return name !== written && name !== "content-length";
}

function addValue(headers: Record<string, string | string[]>, name: string, value: string | string[]): void {
  const before = headers[name];
  headers[name] = before === undefined ? value : [before, value].flat();
}

// oxlint-disable-next-line max-params -- An object for each header of each request would cost more than it explains.
function isReplaced(
  ofSession: HeaderRecord,
  name: string,
  value: string | string[],
  isReplaceable: IsReplaceable | undefined,
): boolean {
  return Object.hasOwn(ofSession, name) && typeof value === "string" && isReplaceable?.(name, value) === true;
}

function setLength(headers: Record<string, string | string[]>, body: unknown): void {
  const length = headers["content-length"];
  if (length === undefined) return;
  // Without a body, undici ignores a length too.
  if (body === undefined || body === null) delete headers["content-length"];
  else headers["content-length"] = oneLength(String(length));
}

/** The platform's fetch adds its length to one that the caller gave: `5, 5`. */
function oneLength(value: string): string {
  const [first = "", ...others] = value.split(",").map((part) => part.trim());
  return others.every((other) => other === first) ? first : value;
}

/** Returns names and values. An array has them in turn, any other iterable has pairs. */
export function* headerPairs(headers: DispatchHeaders): Generator<readonly [string, unknown]> {
  if (headers === null) return;
  if (Array.isArray(headers)) {
    for (let index = 0; index < headers.length; index += 2)
      yield [String(headers[index]), headers[index + 1]];
  } else if (isIterable(headers)) yield* headers;
  else yield* Object.entries(headers);
}

function isIterable(headers: object): headers is Iterable<readonly [string, unknown]> {
  return Symbol.iterator in headers;
}

function toText(name: string, value: unknown): string | string[] | undefined {
  if (typeof value === "string" || value === undefined) return value;
  if (Array.isArray(value)) return value.map((line: unknown) => String(toText(name, line) ?? ""));
  if (value === null) return "";
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint")
    return String(value);
  throw new TypeError(`The header ${name} takes a string or a list of strings, got ${describeKind(value)}`);
}
