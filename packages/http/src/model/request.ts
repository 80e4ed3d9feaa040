import type { Body } from "./body.ts";
import { type Check, isObject, kind, describeKind } from "../support/validate.ts";
import { InvalidUrlError } from "../errors/transport-errors.ts";
import type { HeaderRecord } from "./headers.ts";

/** A request as data: nothing in it is used up by sending it, but a one-shot body. */
export interface HttpRequest {
  readonly method: string;
  /** Absolute, without user and password; a fragment is kept for whoever reads the URL, and not sent. */
  readonly url: URL;
  readonly headers: HeaderRecord;
  readonly body: Body;
  /** The key under which the server recognises a second try, where one was given. */
  readonly idempotencyKey?: string | undefined;
  /** The header that bears it, in lower case. */
  readonly idempotencyHeader?: string | undefined;
}

/** Query parameters; a list repeats its name, undefined and null are left out. */
export type Params =
  | Readonly<
      Record<string, string | number | boolean | readonly (string | number | boolean)[] | null | undefined>
    >
  | URLSearchParams;

const paramValue = kind({
  wanted: "a text, a number, true or false, or a list of them",
  fits: (value) => [value].flat().every(isParam),
  type: "number",
});

/** What query parameters may be. */
export const paramsCheck: Check = (value) => {
  if (value instanceof URLSearchParams) return undefined;
  const problem = manyParams(value);
  if (problem !== undefined || !isObject(value)) return problem;
  for (const [name, one] of Object.entries(value)) {
    const wrong = paramValue(one);
    if (wrong !== undefined) return { ...wrong, at: `.${name}` };
  }
  return undefined;
};

const manyParams = kind({
  wanted: "an object of parameters, or URLSearchParams",
  fits: (value) => isObject(value) && !(Symbol.iterator in value),
});

function isParam(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  return value === null || ["string", "boolean", "bigint", "undefined"].includes(typeof value);
}

/**
 * Reads a URL, against a base where there is one, and adds query parameters.
 *
 * @throws InvalidUrlError when it is not a URL, or neither http nor https.
 */
export function parseUrl(input: string | URL, params?: Params, base?: string): URL {
  const url = parse(input, base);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new InvalidUrlError(`The URL must begin with http:// or https://, got ${shown(input)}`);
  }
  if (params !== undefined) addParams(url, params);
  return url;
}

function parse(input: string | URL, base: string | undefined): URL {
  // Against a base, anything else would be a path: /undefined, say.
  if (typeof input !== "string" && !(input instanceof URL))
    throw new InvalidUrlError(`A URL is a text or a URL, not ${describeKind(input)}`);
  try {
    return new URL(input, base);
  } catch {
    // Without the platform's error, which quotes the input, credentials and all.
    throw new InvalidUrlError(`${shown(input)} is not a URL`);
  }
}

// RFC 3986 §3.2.2, §3.2.3: a name or an address, and a port. Where no URL can be read, anything more may be a password.
const place = /^(?:\[[\da-f:.]*\]|[^\s:[\]@]*)(?::\d*)?$/i;
const beginning = /^(\s*(?:[a-z][a-z\d+.-]*:[/\\]*|[/\\]{2,}))([^/\\?#]*)/i;

/** What may be told of a text that is no URL to ask. */
function shown(input: string | URL): string {
  const text = String(input).replace(beginning, (_, before: string, authority: string) =>
    place.test(authority) ? before + authority : `${before}***`,
  );
  return JSON.stringify(text);
}

/** Lays parameters over others: a name that is given replaces the default of that name. */
export function mergeParams(under: Params | undefined, over: Params | undefined): Params | undefined {
  if (under === undefined || over === undefined) return over ?? under;
  const joined = new URLSearchParams(
    paramPairs(over).map(([name, value]): [string, string] => [name, value]),
  );
  for (const [name, value] of paramPairs(under)) {
    if (!paramPairs(over).some(([given]) => given === name)) joined.append(name, value);
  }
  return joined;
}

// Appended as text: to touch `searchParams` would write the caller's own query anew, %20 as + and all.
function addParams(url: URL, params: Params): void {
  const added = new URLSearchParams(
    paramPairs(params).map(([name, value]): [string, string] => [name, value]),
  ).toString();
  if (added !== "") url.search = url.search === "" ? added : `${url.search}&${added}`;
}

function paramPairs(params: Params): readonly (readonly [string, string])[] {
  if (params instanceof URLSearchParams) return [...params];
  return Object.entries(params).flatMap(([name, values]) =>
    [values]
      .flat()
      .flatMap((value): [string, string][] =>
        value === undefined || value === null ? [] : [[name, String(value)]],
      ),
  );
}
