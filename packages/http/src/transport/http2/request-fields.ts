import { UnsendableRequest } from "../errors/unsendable-request.ts";
import { isBodyPieces, lengthMismatch, parseDeclaredLength } from "../wire/body-length.ts";
import type { BodyPieces, OutgoingRequest } from "../wire/protocol.ts";
import {
  headerToken,
  methodsWithBody,
  unsendablePath,
  unsendableValue,
  parseHost,
  rejectDuplicate,
} from "../wire/request-grammar.ts";

/** A request in the form in which it goes to an HTTP/2 session. */
export interface Http2Request {
  readonly method: string;
  /** Names and values in turn, the pseudo fields first (RFC 9113 §8.3.1). */
  readonly fields: string[];
  /** The complete body; undefined without a body and for a body in pieces. */
  readonly bytes: Uint8Array | undefined;
  readonly bodyPieces: BodyPieces | undefined;
  /** Total length of the pieces as the Content-Length header states it. */
  readonly length: number | undefined;
}

/**
 * Converts a request to HTTP/2. `authority` is the host and port when the request has no Host header.
 *
 * @throws UnsendableRequest for invalid characters, for headers that only an HTTP/1.1 connection has (RFC 9113 §8.2.2), and for a
 * body that does not have the length of its Content-Length header.
 */
export function toHttp2Request(
  { method, path, headers, body = null }: OutgoingRequest,
  authority: string,
): Http2Request {
  checkRequestLine(method, path);
  const { lines, host = authority, length } = readHeaders(headers);
  const fields = [":method", method, ":scheme", "https", ":authority", host, ":path", path, ...lines];
  if (isBodyPieces(body)) {
    rejectTraceBody(method);
    return { method, fields, bytes: undefined, bodyPieces: body, length };
  }
  const bytes = toBodyBytes(body);
  if (length === undefined) addLength(fields, method, bytes.length);
  else if (bytes.length !== length) throw lengthMismatch(length, bytes.length);
  if (bytes.length > 0) rejectTraceBody(method);
  return { method, fields, bytes: bytes.length > 0 ? bytes : undefined, bodyPieces: undefined, length };
}

function checkRequestLine(method: string, path: string): void {
  if (!headerToken.test(method) || method === "CONNECT")
    throw new UnsendableRequest("The method is not a valid HTTP token, or is CONNECT");
  if (unsendablePath.test(path))
    throw new UnsendableRequest(
      "The path contains a space, a control character or a character beyond Latin-1",
    );
}

function toBodyBytes(body: string | Uint8Array | null): Uint8Array {
  if (body === null) return noBytes;
  return typeof body === "string" ? Buffer.from(body) : body;
}

function addLength(fields: string[], method: string, length: number): void {
  if (length > 0 || methodsWithBody.has(method)) fields.push("content-length", String(length));
}

const noBytes = new Uint8Array(0);

function rejectTraceBody(method: string): void {
  if (method === "TRACE")
    throw new UnsendableRequest("A TRACE request must not have a body (RFC 9110 §9.3.8): remove the body");
}

/** The headers of a request as names and values in turn, and the values among them that HTTP/2 writes differently. */
interface Http2Headers {
  readonly lines: string[];
  host: string | undefined;
  length: number | undefined;
  cookie: string | undefined;
}

type Headers = OutgoingRequest["headers"];

// A session's default headers are the same object for every request.
const knownHeaders = new WeakMap<Headers, Http2Headers>();

function readHeaders(headers: Headers): Http2Headers {
  const known = knownHeaders.get(headers);
  if (known !== undefined) return known;
  const read: Http2Headers = { lines: [], host: undefined, length: undefined, cookie: undefined };
  for (const [name, value] of Object.entries(headers)) readHeader(read, name, value);
  // Several values are one line, as over HTTP/1.1.
  if (read.cookie !== undefined) read.lines.push("cookie", read.cookie);
  if (read.length !== undefined) read.lines.push("content-length", String(read.length));
  // Only headers that can no longer change are cached.
  if (Object.isFrozen(headers) && !Object.values(headers).some(Array.isArray))
    knownHeaders.set(headers, read);
  return read;
}

function readHeader(read: Http2Headers, name: string, value: string | string[] | undefined): void {
  if (value === undefined) return;
  if (!headerToken.test(name))
    throw new UnsendableRequest(`The header name ${JSON.stringify(name)} is not a valid HTTP token`);
  for (const line of typeof value === "string" ? [value] : value) {
    if (unsendableValue.test(line))
      throw new UnsendableRequest(
        `The value of the header ${name} contains a line break, a control character or a character beyond Latin-1`,
      );
    readLine(read, name.toLowerCase(), line);
  }
}

// HTTP2-Settings is a field of the connection too (RFC 7540 §3.2.1).
const connectionFields: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

function readLine(read: Http2Headers, name: string, value: string): void {
  if (connectionFields.has(name) || (name === "te" && value.trim().toLowerCase() !== "trailers"))
    throw new UnsendableRequest(
      `The header ${name} belongs to a connection of HTTP/1.1, and the connection speaks HTTP/2 (RFC 9113 §8.2.2): remove it`,
    );
  switch (name) {
    case "te":
      read.lines.push("te", "trailers");
      break;
    case "host":
      read.host = rejectDuplicate(read.host, name, parseHost(value));
      break;
    case "content-length":
      read.length = rejectDuplicate(read.length, name, parseDeclaredLength(value));
      break;
    case "cookie":
      read.cookie = read.cookie === undefined ? value : `${read.cookie}; ${value}`;
      break;
    case "expect":
      throw new UnsendableRequest(`The header ${name} is set by the connection: remove it`);
    default:
      read.lines.push(name, value);
  }
}
