import { authOf, type Auth } from "../auth/auth.ts";
import { bodyOf, jsonBody, noBody, type Body } from "../model/body.ts";
import { isToken, shown } from "../support/validate.ts";
import { mergeHeaders, type HeaderRecord } from "../model/headers.ts";
import { withIdempotencyKey } from "./idempotency.ts";
import { joinParams, urlOf, type HttpRequest } from "../model/request.ts";
import type { RequestOptions, SessionOptions } from "./options.ts";

/** A request, and who asks. */
export interface PreparedRequest {
  readonly request: HttpRequest;
  readonly auth: Auth | undefined;
}

/** What a session adds to each of its requests. */
export interface RequestDefaults extends Pick<
  SessionOptions,
  "baseUrl" | "params" | "auth" | "idempotencyHeader"
> {
  readonly headers: HeaderRecord;
}

/**
 * Makes a request of what a caller says and what the session adds to it; a promise only where the body is one.
 *
 * @throws InvalidUrlError; TypeError for a method that is none, headers that HTTP cannot carry, a body and json at once, or a body that is none.
 */
export function buildRequest(
  method: string,
  input: string | URL,
  { session, own }: { readonly session: RequestDefaults; readonly own: RequestOptions },
): PreparedRequest | Promise<PreparedRequest> {
  const name = parseMethod(method);
  const url = urlOf(input, joinParams(session.params, own.params), session.baseUrl);
  // Taken out of the URL in any case: it must not get into messages.
  const inUrl = authOf(url);
  const auth = own.auth ?? inUrl ?? session.auth;
  const headers = mergeHeaders(session.headers, own.headers, "request.headers");
  const body = parseBody(own);
  const header = own.idempotencyHeader ?? session.idempotencyHeader;
  const requestWith = (whole: Body): PreparedRequest => {
    const request = { method: name, url, headers, body: whole, idempotencyKey: undefined };
    return { request: withIdempotencyKey(request, own.idempotencyKey, header), auth };
  };
  return body instanceof Promise ? body.then(requestWith) : requestWith(body);
}

function parseBody({ body, json }: RequestOptions): Body | Promise<Body> {
  if (json === undefined) return body === undefined ? noBody : bodyOf(body);
  if (body !== undefined) throw new TypeError("A request has a body or json, not both");
  return jsonBody(json);
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
  // Hot path: those that are asked for by their names need no second look.
  if (typeof method === "string" && commonMethods.has(method)) return method;
  if (typeof method === "string" && isToken(method) && method.toUpperCase() !== "CONNECT")
    return method.toUpperCase();
  throw new TypeError(
    `The method of a request is a name such as "GET", and not CONNECT, got ${shown(method)}`,
  );
}
