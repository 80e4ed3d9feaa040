import { isSecretHeader, stripRootDot } from "@holdfast/policy/internal";
import { noBody } from "./body.ts";
import type { HeaderRecord } from "./headers.ts";
import type { HttpRequest } from "./request.ts";

/** The fields of a response that define a redirect. */
export interface RedirectResponse {
  readonly status: number;
  /** The Location header, if there is one. */
  readonly location: string | null | undefined;
}

/** The request that follows a redirect, or why none does and the response is the last word. */
export type Redirect =
  | { readonly follow: true; readonly request: HttpRequest }
  | {
      readonly follow: false;
      readonly reason: "not-a-redirect" | "no-location" | "bad-location" | "foreign-scheme";
    };

type MethodRule = (method: string) => string;

const keep: MethodRule = (method) => method;
const postBecomesGet: MethodRule = (method) => (method === "POST" ? "GET" : method);
const allBecomeGet: MethodRule = (method) => (method === "HEAD" ? "HEAD" : "GET");

/** The method after a redirect (RFC 9110 §15.4; for 302 as in requests, so that a DELETE is not executed twice). */
const methodRules: ReadonlyMap<number, MethodRule> = new Map([
  [301, postBecomesGet],
  [302, allBecomeGet],
  [303, allBecomeGet],
  [307, keep],
  [308, keep],
]);

const bodyHeaders: readonly string[] = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
  "transfer-encoding",
];

/** The longest URL of a server, in characters: as long as that of a line in a list. */
const maxUrlLength = 65_536;

/** Returns whether a status with a Location is a redirect. */
export function isRedirectStatus(status: number): boolean {
  return methodRules.has(status);
}

/**
 * Returns the request that follows a redirect (RFC 9110 §15.4, §10.2.2).
 *
 * - If the method stays the same, the body is kept, except after a 303. If the method becomes GET, body and idempotency
 *   key are removed.
 * - If the redirect leads to another host, another port or from https to http, Authorization, Cookie, Proxy-Authorization, any
 *   other header with a name like that of a credential (`X-Api-Key`), and the headers in `sensitive` (in any case) are
 *   removed.
 * - User and password in a Location are ignored. Only http and https are followed, and no URL longer than 65,536 characters:
 *   a relative Location would otherwise make the URL longer with each redirect.
 */
export function toRedirectRequest(
  request: HttpRequest,
  { status, location }: RedirectResponse,
  sensitive: Iterable<string> = [],
): Redirect {
  const rule = methodRules.get(status);
  if (rule === undefined) return { follow: false, reason: "not-a-redirect" };
  if (!location?.trim()) return { follow: false, reason: "no-location" };
  const url = resolveLocation(location, request.url);
  if (url === undefined || url.href.length > maxUrlLength) return { follow: false, reason: "bad-location" };
  if (!/^https?:$/.test(url.protocol)) return { follow: false, reason: "foreign-scheme" };
  const moved = moveTo(request, url, sensitive);
  const method = rule(request.method);
  const keepsBody = method === request.method && status !== 303;
  return { follow: true, request: keepsBody ? moved : withoutBody(moved, method) };
}

/**
 * Returns whether credentials must not be sent from one URL to the other: the host or the port differs, or https becomes
 * http. From http to https on the default ports they may be sent (requests' rule).
 */
export function leavesOrigin(from: URL, to: URL): boolean {
  if (stripRootDot(from.hostname) !== stripRootDot(to.hostname)) return true;
  if (from.protocol === "http:" && to.protocol === "https:") return from.port !== "" || to.port !== "";
  return from.protocol !== to.protocol || from.port !== to.port;
}

/** Resolves a Location against the URL of the response. Returns undefined if it is invalid. A fragment is inherited (RFC 9110 §10.2.2). */
export function resolveLocation(location: string, base: URL): URL | undefined {
  if (location.length > maxUrlLength) return undefined;
  const url = parse(asUtf8(location.trim()), base);
  if (url === undefined) return undefined;
  if (url.hash === "") url.hash = base.hash;
  const sameOrigin = url.origin === base.origin;
  url.username = sameOrigin ? base.username : "";
  url.password = sameOrigin ? base.password : "";
  return url;
}

function moveTo(request: HttpRequest, url: URL, sensitive: Iterable<string>): HttpRequest {
  // Only the caller names a socket: another origin of a Location is reached at its host.
  const leavesSocket = request.socketPath !== undefined && request.url.origin !== url.origin;
  const wireForm = request.wireForm && { ...request.wireForm, target: undefined };
  const moved = { ...request, url, wireForm, ...(leavesSocket && { socketPath: undefined }) };
  if (!leavesOrigin(request.url, url)) return moved;
  return { ...moved, headers: removeCredentials(request.headers, ["host", ...sensitive]) };
}

function parse(location: string, base: URL): URL | undefined {
  try {
    return new URL(location, base);
  } catch {
    return undefined;
  }
}

/** Headers are decoded as ISO 8859-1, but servers write bytes above 127 as UTF-8. */
function asUtf8(text: string): string {
  if (!/[\u0080-\u00ff]/.test(text) || /[\u0100-\uffff]/.test(text)) return text;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.from(text, (char) => char.charCodeAt(0)),
    );
  } catch {
    return text;
  }
}

function withoutBody(request: HttpRequest, method: string): HttpRequest {
  const headers = removeHeaders(request.headers, [
    ...bodyHeaders,
    request.idempotencyHeader ?? "idempotency-key",
  ]);
  return { ...request, method, headers, body: noBody, idempotencyKey: undefined };
}

/** Removes the headers that a log hides, and further ones. */
function removeCredentials(headers: HeaderRecord, further: readonly string[]): HeaderRecord {
  return removeHeaders(headers, [...Object.keys(headers).filter(isSecretHeader), ...further]);
}

function removeHeaders(headers: HeaderRecord, names: readonly string[]): HeaderRecord {
  const removed = new Set(names.map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !removed.has(name)));
}
