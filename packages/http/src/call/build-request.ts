import { isSecretHeader, isSecretParameter, stripRootDot } from "@holdfast/policy/internal";
import { takeUrlCredentials, type Auth } from "../auth/auth.ts";
import { toBody, jsonBody, noBody, type Body } from "../model/body.ts";
import { type FormFields, formFieldsBody } from "../model/form-fields.ts";
import { isFormType, withBoundary } from "../model/form-body.ts";
import { isToken, quote } from "../support/validate.ts";
import { mergeHeaders, type HeaderRecord } from "../model/headers.ts";
import { defaultIdempotencyHeader, withIdempotencyKey } from "./idempotency.ts";
import { joinUrl, type BaseUrl } from "../model/base-url.ts";
import { addParams, filterParams, mergeParams, parseUrl, type HttpRequest } from "../model/request.ts";
import { parseUnixUrl } from "../transport/unix-url.ts";
import type { RequestOptions, SessionOptions } from "./options.ts";

/** A request, and the function that authenticates it. */
export interface PreparedRequest {
  readonly request: HttpRequest;
  readonly auth: Auth | undefined;
}

/** The parts that a session adds to each of its requests. */
export interface RequestDefaults extends OriginDefaults {
  readonly base: BaseUrl | undefined;
  readonly idempotencyHeader: SessionOptions["idempotencyHeader"];
  readonly enableUnixSockets: SessionOptions["enableUnixSockets"];
  /** What a request to an origin gets that may not have the credentials of the session. */
  readonly elsewhere?:
    | {
        /** The origins that may have them. */
        readonly origins: ReadonlySet<string>;
        /** The origin of most requests, with a slash at the end. */
        readonly usualPrefix: string;
        readonly defaults: OriginDefaults;
      }
    | undefined;
}

/** The parts of a request that may contain credentials of the session. */
export interface OriginDefaults {
  readonly headers: HeaderRecord;
  readonly params: SessionOptions["params"];
  readonly auth: SessionOptions["auth"];
}

/**
 * Builds a request from the options of the caller and the session.
 *
 * @throws InvalidUrlError; TypeError for an invalid method, a `//` before the path in a session with `baseUrl`, headers that HTTP cannot carry, an unknown kind of body, a stream
 * that was already used, or two of `body`, `json` and `form`.
 */
export function buildRequest(method: string, input: string | URL, options: RequestInputs): PreparedRequest {
  const socket = options.session.enableUnixSockets === true ? parseUnixUrl(input) : undefined;
  if (socket === undefined) return buildHttpRequest(method, input, options);
  const { session, own } = options;
  const elsewhere = session.elsewhere?.defaults;
  const { request, auth } = buildHttpRequest(method, socket.url, {
    session: { ...session, ...elsewhere, elsewhere: undefined },
    own,
  });
  return { request: { ...request, socketPath: socket.socketPath }, auth };
}

interface RequestInputs {
  readonly session: RequestDefaults;
  readonly own: RequestOptions;
}

function buildHttpRequest(
  method: string,
  input: string | URL,
  { session, own }: RequestInputs,
): PreparedRequest {
  const name = parseMethod(method);
  const url = resolveUrl(input, session.base);
  const defaults = defaultsFor(url, session);
  const params = mergeParams(defaults.params, own.params);
  if (params !== undefined) addParams(url, params);
  // Removed from the URL even if unused: credentials must not get into messages.
  const urlAuth = url.username === "" && url.password === "" ? undefined : takeUrlCredentials(url);
  const auth = own.auth ?? urlAuth ?? defaults.auth;
  const headers = mergeHeaders(defaults.headers, own.headers, "request.headers");
  const body = parseBody(own, name);
  const header = own.idempotencyHeader ?? session.idempotencyHeader;
  const key = own.idempotencyKey;
  const request = {
    method: name,
    url,
    headers: withFormBoundary(headers, body),
    body,
    idempotencyKey: undefined,
  };
  // Hot path: most requests have neither a key nor a header for one.
  const isPlain =
    key === undefined && header === undefined && headers[defaultIdempotencyHeader] === undefined;
  return { request: isPlain ? request : withIdempotencyKey(request, key, header), auth };
}

function resolveUrl(input: string | URL, base: BaseUrl | undefined): URL {
  return parseUrl(base === undefined ? input : joinUrl(base, input));
}

/** Returns the parts that the session adds to a request to this URL. */
export function defaultsFor(url: URL, session: RequestDefaults): OriginDefaults {
  const { elsewhere } = session;
  // Hot path: `origin` builds a new string each time, and most requests go to the origin of the base.
  const mayHaveAll =
    elsewhere === undefined ||
    url.href.startsWith(elsewhere.usualPrefix) ||
    elsewhere.origins.has(stripRootDot(url.origin));
  return mayHaveAll ? session : elsewhere.defaults;
}

function parseBody(own: RequestOptions, method: string): Body {
  const { body, json, form } = own;
  if (method === "TRACE" && body !== "" && hasBody(own))
    throw new TypeError("A TRACE request must not have a body (RFC 9110 §9.3.8): remove the body");
  if (form !== undefined) return parseForm(own, form);
  if (json === undefined) return body === undefined || body === null ? noBody : toBody(body);
  if (body !== undefined && body !== null) throw new TypeError("A request has a body or json, not both");
  return jsonBody(json);
}

function parseForm({ body, json }: RequestOptions, form: FormFields): Body {
  if (hasBody({ body, json })) throw new TypeError("A request has one of form, json and body");
  return formFieldsBody(form);
}

/** Returns the method of a request that names none: GET, or POST with a body. */
export function usualMethod(options: RequestOptions & { readonly method?: string | undefined }): string {
  return options.method ?? (hasBody(options) ? "POST" : "GET");
}

function hasBody({ body, json, form }: BodyOptions): boolean {
  return (body !== undefined && body !== null) || json !== undefined || form !== undefined;
}

type BodyOptions = { readonly [name in "body" | "json" | "form"]?: RequestOptions[name] | undefined };

/** Gives the Content-Type that a caller wrote for a form the boundary of its body. */
function withFormBoundary(headers: HeaderRecord, body: Body): HeaderRecord {
  const given = headers["content-type"];
  if (given === undefined || body.kind !== "factory" || !isFormType(body.contentType)) return headers;
  return { ...headers, "content-type": withBoundary(String(given), body.contentType) };
}

const commonMethods: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
]);

function parseMethod(method: unknown): string {
  // Hot path: the common methods need no validation.
  if (typeof method === "string" && commonMethods.has(method)) return method;
  if (typeof method === "string" && isToken(method) && method.toUpperCase() !== "CONNECT") {
    const name = method.toUpperCase();
    // Methods are case-sensitive (RFC 9110 §9.1), but nobody means another method by "get".
    return commonMethods.has(name) ? name : method;
  }
  throw new TypeError(
    `The method of a request must be a name such as "GET", and not CONNECT, got ${quote(method)}: write request(method, url, options)`,
  );
}

/** Returns the parts without `auth`, and without headers and parameters with names of credentials. */
export function withoutCredentials(
  { headers, params }: Pick<OriginDefaults, "headers" | "params">,
  sensitive: readonly string[],
): OriginDefaults {
  const secret = new Set(sensitive.map((name) => name.toLowerCase()));
  const isKept = (name: string): boolean =>
    // Only a proxy gets Proxy-Authorization.
    name === "proxy-authorization" || (!isSecretHeader(name) && !secret.has(name));
  const kept = Object.entries(headers).filter(([name]) => isKept(name));
  return {
    headers: Object.freeze(Object.fromEntries(kept)),
    params: params === undefined ? undefined : filterParams(params, (name) => !isSecretParameter(name)),
    auth: undefined,
  };
}
