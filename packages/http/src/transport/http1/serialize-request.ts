import type { Readable } from "node:stream";
import type { OutgoingRequest } from "../wire/protocol.ts";
import { UnsendableRequest } from "./errors.ts";

/** A body that is written as it comes. */
export type BodyPieces = Readable | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** A request as it is written. */
export interface SerializedRequest {
  readonly method: string;
  /** The head: all of it, unless the body comes in pieces, which then says how it is framed. */
  readonly head: string;
  /** The body, where it is all here; empty where there is none. */
  readonly bytes: Uint8Array;
  readonly bodyPieces: BodyPieces | undefined;
  /** How long the pieces are together, where the caller says so. */
  readonly length: number | undefined;
  /** Whether no further request may follow on the connection. */
  readonly last: boolean;
}

/**
 * Makes of a request what is written; `host` is for where the caller names none.
 *
 * @throws UnsendableRequest for what would not come out as it went in, or is not the caller's to say.
 */
export function serializeRequest(
  { method, path, headers, body = null }: OutgoingRequest,
  host: string,
): SerializedRequest {
  const fields = serializeHeaders(headers);
  const last = fields.last || !allowsNextRequest(method, body);
  const head = `${formatRequestLine(method, path)}host: ${fields.host ?? host}\r\n${last ? closing : staying}${fields.text}`;
  const length = fields.declared;
  if (isBodyPieces(body)) return { method, head, bytes: noBytes, bodyPieces: body, length, last };
  const bytes = toBodyBytes(body);
  if (length !== undefined && bytes.length !== length) throw lengthMismatch(length);
  return {
    method,
    head: head + framingLines(method, bytes.length),
    bytes,
    bodyPieces: undefined,
    length,
    last,
  };
}

const [closing, staying] = ["connection: close\r\n", "connection: keep-alive\r\n"];

function formatRequestLine(method: string, path: string): string {
  if (!headerToken.test(method) || method === "CONNECT")
    throw new UnsendableRequest("invalid request method");
  if (unsendablePath.test(path)) throw new UnsendableRequest("invalid request path");
  return `${method} ${path} HTTP/1.1\r\n`;
}

const noBytes = Buffer.alloc(0);

function toBodyBytes(body: string | Uint8Array | null): Uint8Array {
  if (body === null || body === "") return noBytes;
  return typeof body === "string" ? Buffer.from(body) : body;
}

/*
 * Some servers answer a HEAD with a body all the same, or do not read the body of a method that has none as a rule: what
 * follows would be misread.
 */
function allowsNextRequest(method: string, body: OutgoingRequest["body"]): boolean {
  return method !== "HEAD" && (body === null || body === "" || expectsBody(method));
}

function isBodyPieces(body: OutgoingRequest["body"]): body is BodyPieces {
  return typeof body === "object" && body !== null && !(body instanceof Uint8Array);
}

/** The lines that frame a body of known length and end the head (RFC 9110 §8.6). */
export function framingLines(method: string, length: number): string {
  return length > 0 || expectsBody(method) ? `content-length: ${length}\r\n\r\n` : "\r\n";
}

/** The complaint about a body that would swallow the next request, or become one. */
export function lengthMismatch(declared: number | undefined): UnsendableRequest {
  return new UnsendableRequest(`The body is not as long as its Content-Length of ${declared} bytes`);
}

const methodsWithBody: ReadonlySet<string> = new Set([
  "POST",
  "PUT",
  "PATCH",
  "QUERY",
  "PROPFIND",
  "PROPPATCH",
]);

function expectsBody(method: string): boolean {
  return methodsWithBody.has(method);
}

const headerToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const unsendablePath = /[^\u0021-\u00ff]/;
const unsendableValue = /[^\t\u0020-\u007e\u0080-\u00ff]/;

/** Headers as they are written, and what they say that concerns the connection. */
interface SerializedHeaders {
  text: string;
  host: string | undefined;
  declared: number | undefined;
  last: boolean;
}

type Headers = OutgoingRequest["headers"];

// A session's own headers are the same for every request: written once, they save each of them 0.5 µs.
const serializedHeaders = new WeakMap<Headers, SerializedHeaders>();

function serializeHeaders(headers: Headers): SerializedHeaders {
  const known = serializedHeaders.get(headers);
  if (known !== undefined) return known;
  const fields: SerializedHeaders = { text: "", host: undefined, declared: undefined, last: false };
  for (const name of Object.keys(headers)) serializeHeader(fields, name, headers[name]);
  // What may still change is written anew each time.
  if (Object.isFrozen(headers) && !Object.values(headers).some(Array.isArray))
    serializedHeaders.set(headers, fields);
  return fields;
}

function serializeHeader(
  fields: SerializedHeaders,
  name: string,
  value: string | string[] | undefined,
): void {
  if (value === undefined) return;
  if (!headerToken.test(name)) throw new UnsendableRequest("invalid header key");
  for (const line of typeof value === "string" ? [value] : value) {
    if (unsendableValue.test(line)) throw new UnsendableRequest(`invalid ${name} header`);
    if (!readConnectionHeader(fields, name.toLowerCase(), line)) fields.text += `${name}: ${line}\r\n`;
  }
}

/** Whether a field is one that the connection's own lines stand for; takes note of what it says. */
function readConnectionHeader(fields: SerializedHeaders, name: string, value: string): boolean {
  switch (name) {
    case "host":
      fields.host = rejectDuplicate(fields.host, name, value);
      return true;
    case "content-length":
      if (!/^\d{1,15}$/.test(value)) throw new UnsendableRequest("invalid content-length header");
      fields.declared = rejectDuplicate(fields.declared, name, Number(value));
      return true;
    case "connection":
      fields.last ||= includesClose(value);
      return true;
    case "transfer-encoding":
    case "keep-alive":
    case "upgrade":
    case "expect":
      throw new UnsendableRequest(`The header ${name} is the connection's own`);
    default:
      return false;
  }
}

function rejectDuplicate<T>(before: T | undefined, name: string, value: T): T {
  if (before !== undefined) throw new UnsendableRequest(`duplicate ${name} header`);
  return value;
}

function includesClose(connection: string): boolean {
  const options = connection.split(",").map((option) => option.trim().toLowerCase());
  if (!options.every((option) => headerToken.test(option)))
    throw new UnsendableRequest("invalid connection header");
  return options.includes("close");
}
