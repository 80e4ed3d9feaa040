import { invalid, incomplete, complete, type ParseResult } from "./incremental-parse.ts";

/** Asks a proxy for a tunnel to host and port (RFC 9110 §9.3.6); an IPv6 address stands in brackets. */
export function connectRequest(target: string, authorization: string | undefined): string {
  const credentials = authorization === undefined ? "" : `Proxy-Authorization: ${authorization}\r\n`;
  return `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${credentials}\r\n`;
}

/** The head of a proxy's answer. */
export interface ConnectReply {
  readonly status: number;
  /** May be empty. */
  readonly statusText: string;
  /** Names in lower case; of repeated ones the last. */
  readonly headers: Readonly<Record<string, string>>;
}

// A proxy that answers CONNECT with more than this is not answering CONNECT.
const maxReplyHeadBytes = 16 * 1024;

const endlessHead = invalid("the head of its answer does not end");
const statusLineStart = "HTTP/1.";

/**
 * Reads the head of the answer to CONNECT, after any interim ones (RFC 9110 §15.2). Lines may end in a lone LF (RFC 9112
 * §2.2). What comes behind a 2xx head is the tunnel's, whatever the head says of a length (RFC 9110 §9.3.6).
 */
export function parseConnectReply(bytes: Buffer): ParseResult<ConnectReply> {
  const first = parseConnectHead(bytes);
  if (first.at !== "whole" || first.value.status >= 200) return first;
  if (first.value.status === 101) return invalid("it switched protocols");
  const rest = parseConnectReply(bytes.subarray(first.length, maxReplyHeadBytes));
  if (rest.at === "whole") return complete(rest.value, first.length + rest.length);
  return rest.at === "partial" && bytes.length > maxReplyHeadBytes ? endlessHead : rest;
}

function parseConnectHead(bytes: Buffer): ParseResult<ConnectReply> {
  if (!statusLineStart.startsWith(bytes.toString("latin1", 0, statusLineStart.length)))
    return invalid("it did not answer in HTTP");
  const head = /^([^]*?)\r?\n\r?\n/.exec(bytes.toString("latin1", 0, maxReplyHeadBytes));
  if (head === null) return bytes.length > maxReplyHeadBytes ? endlessHead : incomplete;
  const [all, text = ""] = head;
  const [statusLine = "", ...lines] = text.split(/\r?\n/);
  const [, digits, statusText = ""] = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine) ?? [];
  if (digits === undefined || Number(digits) < 100) return invalid("it did not answer in HTTP");
  const headers = Object.fromEntries(lines.map(parseHeaderLine));
  return complete({ status: Number(digits), statusText: statusText.trim(), headers }, all.length);
}

function parseHeaderLine(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
}
