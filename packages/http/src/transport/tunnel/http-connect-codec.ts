import { invalid, incomplete, complete, type ParseResult } from "./reply-reader.ts";

/** Returns the request for a tunnel to host and port (RFC 9110 §9.3.6). An IPv6 address must be in brackets. */
export function connectRequest(target: string, authorization: string | undefined): string {
  const credentials = authorization === undefined ? "" : `Proxy-Authorization: ${authorization}\r\n`;
  return `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${credentials}\r\n`;
}

/** The head of a proxy's reply. */
export interface ConnectReply {
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case. A repeated name has its last value. */
  readonly headers: Readonly<Record<string, string>>;
}

// No proxy needs a longer head to reply to CONNECT.
const maxReplyHeadBytes = 16 * 1024;

const endlessHead = invalid("the head of its reply is longer than 16 KiB");
const statusLineStart = "HTTP/1.";

/**
 * Parses the head of the reply to CONNECT and skips interim heads (RFC 9110 §15.2). Lines may end with LF alone (RFC 9112
 * §2.2). The bytes after a 2xx head belong to the tunnel, whatever length the head states (RFC 9110 §9.3.6).
 */
export function parseConnectReply(bytes: Buffer): ParseResult<ConnectReply> {
  const first = parseConnectHead(bytes);
  if (first.state !== "complete" || first.value.status >= 200) return first;
  if (first.value.status === 101) return invalid("the status is 101 Switching Protocols");
  const rest = parseConnectReply(bytes.subarray(first.length, maxReplyHeadBytes));
  if (rest.state === "complete") return complete(rest.value, first.length + rest.length);
  return rest.state === "incomplete" && bytes.length > maxReplyHeadBytes ? endlessHead : rest;
}

function parseConnectHead(bytes: Buffer): ParseResult<ConnectReply> {
  if (!statusLineStart.startsWith(bytes.toString("latin1", 0, statusLineStart.length)))
    return invalid("it is not HTTP");
  const head = /^([^]*?)\r?\n\r?\n/.exec(bytes.toString("latin1", 0, maxReplyHeadBytes));
  if (head === null) return bytes.length > maxReplyHeadBytes ? endlessHead : incomplete;
  const [all, text = ""] = head;
  const [statusLine = "", ...lines] = text.split(/\r?\n/);
  const [, digits, statusText = ""] = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine) ?? [];
  if (digits === undefined || Number(digits) < 100) return invalid("it is not HTTP");
  const headers = Object.fromEntries(lines.map(parseHeaderLine));
  return complete({ status: Number(digits), statusText: statusText.trim(), headers }, all.length);
}

function parseHeaderLine(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
}
