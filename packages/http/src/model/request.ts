import { idempotentMethods as idempotent, stripRootDot } from "@holdfast/policy/internal";
import type { Body } from "./body.ts";
import { frozenSet } from "../support/frozen-set.ts";
import { type Check, isObject, kind, describeKind } from "../support/validate.ts";
import { InvalidUrlError } from "../errors/transport-errors.ts";
import type { HeaderRecord } from "./headers.ts";

/** A request as plain data. It can be sent several times, unless its body is one-shot. */
export interface HttpRequest {
  readonly method: string;
  /** Absolute, without user and password. A fragment is kept, but not sent. */
  readonly url: URL;
  readonly headers: HeaderRecord;
  readonly body: Body;
  /** Path of the Unix socket of a `unix:` URL, to send the request to in place of the URL's host. */
  readonly socketPath?: string | undefined;
  /** The key by which the server recognises a repeated request, if one was given. */
  readonly idempotencyKey?: string | undefined;
  /** The header that carries the key, in lower case. */
  readonly idempotencyHeader?: string | undefined;
  /** Set for a request that is written as its caller wrote it. Its response is passed on as it was received, not decoded. */
  readonly wireForm?: WireForm | undefined;
}

/** The form in which the caller of a dispatcher wrote a request. */
export interface WireForm {
  /** Path and query. @default those of the URL */
  readonly target?: string | undefined;
  /** The names of headers as written, by their lower case. @default lower case */
  readonly names?: Readonly<Record<string, string>> | undefined;
  /** The dispatch of the request, for an adapter that sends it through another dispatcher. */
  readonly dispatched?: { readonly options: object; readonly isModern: boolean } | undefined;
}

/** Returns the host of a request, with a port that is not the scheme's own; `unix:` and the path of a socket. */
export function hostOf({ url, socketPath }: Pick<HttpRequest, "url" | "socketPath">): string {
  return socketPath === undefined ? stripRootDot(url.host) : `unix:${socketPath}`;
}

/** The HTTP methods that have the same effect once and twice (RFC 9110 §9.2.2). */
export const idempotentMethods: ReadonlySet<string> = frozenSet(idempotent);

/** Returns whether sending a request of this method twice has the effect of sending it once. */
export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method.toUpperCase());
}

/** Query parameters. A list repeats its name. Undefined and null are left out; null also removes the session's parameter. */
export type Params =
  | Readonly<
      Record<string, string | number | boolean | readonly (string | number | boolean)[] | null | undefined>
    >
  | URLSearchParams;

const paramValue = kind({
  wanted: "a string, a number, true or false, or a list of them",
  fits: (value) => [value].flat().every(isParam),
  type: "number",
});

/** Validates query parameters. */
export const paramsCheck: Check = (value) => {
  if (value instanceof URLSearchParams) return undefined;
  const problem = manyParams(value);
  if (problem !== undefined || !isObject(value)) return problem;
  for (const [name, param] of Object.entries(value)) {
    const invalid = paramValue(param);
    if (invalid !== undefined) return { ...invalid, at: `.${name}` };
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
 * Parses an absolute URL, and adds query parameters.
 *
 * @throws InvalidUrlError if it is not a valid http or https URL.
 */
export function parseUrl(input: string | URL, params?: Params): URL {
  const url = parse(input);
  if (url.protocol === "unix:")
    throw new InvalidUrlError(
      `url must begin with http:// or https://, got ${describeUrl(input)}; unix: URLs need enableUnixSockets: true in the session`,
    );
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new InvalidUrlError(
      `url must begin with http:// or https://, got ${describeUrl(input)}${hintFor(input)}`,
    );
  }
  if (params !== undefined) addParams(url, params);
  return url;
}

function parse(input: string | URL): URL {
  if (typeof input !== "string" && !(input instanceof URL))
    throw new InvalidUrlError(
      `url must be a string or URL, got ${describeKind(input)}: write get(url, options)`,
    );
  try {
    return new URL(input);
  } catch {
    // The error of the platform is dropped: it quotes the input with its credentials.
    throw new InvalidUrlError(`url must be a valid URL, got ${describeUrl(input)}${hintFor(input)}`);
  }
}

const hostWithoutScheme = /^(?:localhost|[\w-]+(?:\.[\w-]+)+|\[[\da-f:.]+\])(?::\d+)?(?:[/?#]|$)/i;
const otherScheme = /^[a-z][a-z\d+.-]*:[/\\]/i;

/** Returns the hint that a URL lacks its scheme, for the end of a message, or an empty string. */
export function missingSchemeHint(text: string): string {
  return hostWithoutScheme.test(text) ? `: did you mean ${describeUrl(`https://${text}`)}?` : "";
}

/** Returns what the caller probably forgot, for the end of a message. */
function hintFor(input: string | URL): string {
  const text = String(input).trim();
  if (hostWithoutScheme.test(text)) return missingSchemeHint(text);
  if (otherScheme.test(text) || /^https?:/i.test(text)) return "";
  return ": a relative URL needs the option baseUrl of the session";
}

// RFC 3986 §3.2.2, §3.2.3: a name or an address, and a port. In an invalid URL, anything else may be a password.
const hostAndPort = /^(?:\[[\da-f:.]*\]|[^\s:[\]@]*)(?::\d*)?$/i;
const schemeAndAuthority = /^(\s*(?:[a-z][a-z\d+.-]*:[/\\]*|[/\\]{2,}))([^/\\?#]*)/i;

/** Quotes an invalid URL without credentials. */
export function describeUrl(input: string | URL): string {
  const text = String(input).replace(schemeAndAuthority, (_, before: string, authority: string) =>
    hostAndPort.test(authority) ? before + authority : `${before}***`,
  );
  return JSON.stringify(text);
}

/** Returns path and query of a URL as they were written: a question mark without a query is kept (RFC 3986 §6.2.3). */
export function requestTarget(url: URL): string {
  const { pathname, search } = url;
  return search === "" && hasEmptyQuery(url.href) ? `${pathname}?` : pathname + search;
}

// `URL.search` is empty for both forms.
function hasEmptyQuery(href: string): boolean {
  const hash = href.indexOf("#");
  return href[(hash === -1 ? href.length : hash) - 1] === "?";
}

/** Merges parameters: a name in `over` replaces the same name in `under`; null removes it. */
export function mergeParams(under: Params | undefined, over: Params | undefined): Params | undefined {
  if (under === undefined || over === undefined) return over ?? under;
  const merged = new URLSearchParams(
    paramPairs(over).map(([name, value]): [string, string] => [name, value]),
  );
  const given = new Set(paramNames(over));
  for (const [name, value] of paramPairs(under)) if (!given.has(name)) merged.append(name, value);
  return merged;
}

/** Adds query parameters to a URL. */
// Appended as text: changing `searchParams` would rewrite the existing query, for example %20 as +.
export function addParams(url: URL, params: Params): void {
  const added = new URLSearchParams(
    paramPairs(params).map(([name, value]): [string, string] => [name, value]),
  ).toString();
  if (added !== "") url.search = url.search === "" ? added : `${url.search}&${added}`;
}

/** Returns the parameters that pass a test of their names. */
export function filterParams(params: Params, test: (name: string) => boolean): Params {
  return new URLSearchParams(
    paramPairs(params).flatMap(([name, value]): [string, string][] => (test(name) ? [[name, value]] : [])),
  );
}

/** Returns the names of parameters that have a value or null. */
export function paramNames(params: Params): Iterable<string> {
  if (params instanceof URLSearchParams) return params.keys();
  return Object.keys(params).filter((name) => params[name] !== undefined);
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
