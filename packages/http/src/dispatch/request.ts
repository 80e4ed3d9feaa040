import { toBody, noBody, type Body } from "../model/body.ts";
import { defaultsFor, type PreparedRequest, type RequestDefaults } from "../call/build-request.ts";
import { withIdempotencyKey } from "../call/idempotency.ts";
import { takeUrlCredentials } from "../auth/auth.ts";
import { InvalidUrlError } from "../errors/transport-errors.ts";
import type { HeaderRecord } from "../model/headers.ts";
import { addParams, parseUrl, type HttpRequest, type WireForm } from "../model/request.ts";
import { isToken, quote } from "../support/validate.ts";
import type { DispatchOptions } from "./contract.ts";
import { mergeWritten, type IsReplaceable } from "./headers.ts";
import { maxRecordedBytes, recordedBody, streamedBody } from "./recorded-body.ts";

/** What the caller of a dispatcher knows in addition to the options of the dispatch. */
export interface DispatchContext {
  /** What the session adds to each request. */
  readonly defaults: RequestDefaults;
  /** Returns the body in a form that can be sent again, by the headers of the request. @default the body of the options */
  readonly bodyFor?: ((headers: HeaderRecord) => Body | undefined) | undefined;
  readonly isReplaceable?: IsReplaceable | undefined;
  readonly dispatched?: WireForm["dispatched"];
}

/**
 * Returns the request of a dispatch. It is written as its caller wrote it: the path unchanged, and header names in their case.
 *
 * @throws InvalidUrlError; TypeError for another part that no request can have.
 */
export function toEngineRequest(options: DispatchOptions, context: DispatchContext): PreparedRequest {
  const { method } = options;
  if (typeof method !== "string" || !isToken(method) || method === "CONNECT")
    throw new TypeError(`The method of a request must be a name such as "GET", got ${quote(method)}`);
  const target = withQuery(options.path, options.query);
  const url = toUrl(options.origin, target);
  const urlAuth = url.username === "" && url.password === "" ? undefined : takeUrlCredentials(url);
  const { defaults } = context;
  const added = defaultsFor(url, defaults);
  if (added.params !== undefined) addParams(url, added.params);
  const { headers, names } = mergeWritten(added, options, context.isReplaceable);
  const body = toEngineBody(options.body, headers, context.bodyFor);
  const wireForm = {
    dispatched: context.dispatched,
    target: added.params === undefined ? target : undefined,
    names,
  };
  const request: HttpRequest = { method, url, headers, body, idempotencyKey: undefined, wireForm };
  const keyed = withIdempotencyKey(request, undefined, defaults.idempotencyHeader);
  return { request: keyed, auth: urlAuth ?? added.auth };
}

/** Returns the URL of a dispatch. */
export function toTarget({ origin, path, query }: Pick<DispatchOptions, "origin" | "path" | "query">): URL {
  return toUrl(origin, withQuery(path, query));
}

function withQuery(path: unknown, query: DispatchOptions["query"]): string {
  if (typeof path !== "string")
    throw new TypeError(`The path of a request must be a string, got ${quote(path)}`);
  if (query === undefined || query === null) return path;
  if (/[?#]/.test(path)) throw new TypeError("A path with a query or a fragment takes no further query");
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    [values].flat().map((value: unknown): [string, string] => [name, queryText(value)]),
  );
  const text = new URLSearchParams(pairs).toString();
  return text === "" ? path : `${path}?${text}`;
}

function queryText(value: unknown): string {
  const isText = ["string", "number", "boolean", "bigint"].includes(typeof value);
  return isText ? String(value) : "";
}

function toUrl(origin: DispatchOptions["origin"], path: string): URL {
  // A path of two slashes would otherwise begin another host.
  if (path.startsWith("/")) return parseUrl(originOf(origin) + path);
  return parseUrl(/^https?:\/\//i.test(path) ? path : `${originOf(origin)}/${path.replace(/^\*$/, "")}`);
}

function originOf(origin: DispatchOptions["origin"]): string {
  if (origin === undefined) throw new InvalidUrlError("The options of a dispatch must have an origin");
  const text = String(origin);
  return text.endsWith("/") ? text.slice(0, -1) : text;
}

/** Returns a body of a dispatch in the form of the engine. One that can be read once is recorded if it is small. */
function toEngineBody(given: unknown, headers: HeaderRecord, bodyFor: DispatchContext["bodyFor"]): Body {
  if (given === undefined || given === null) return noBody;
  const known = bodyFor?.(headers);
  if (known !== undefined) return known;
  if (!isStream(given)) return toBody(given);
  const length = headers["content-length"];
  const bytes = typeof length === "string" && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
  return bytes !== undefined && bytes <= maxRecordedBytes ? recordedBody(given, bytes) : streamedBody(given);
}

/** Whether a body comes piece by piece. A blob and a form have pieces too, and can be read again. */
function isStream(body: unknown): body is AsyncIterable<unknown> {
  if (typeof body !== "object" || body === null || body instanceof Blob || body instanceof FormData)
    return false;
  return Symbol.asyncIterator in body;
}
