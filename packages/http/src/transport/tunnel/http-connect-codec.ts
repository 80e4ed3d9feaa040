import { MalformedResponse } from "../errors/malformed-response.ts";
import { HeadReader, type HeadRules } from "../wire/head-reader.ts";
import type { HeaderFields } from "../wire/head.ts";
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
const rules: HeadRules = { maxKibibytes: 16, strict: false };

/**
 * Returns a parser for the head of the reply to CONNECT, which takes one chunk after another and continues where it stopped. It
 * uses the reader of responses, and skips interim heads (RFC 9110 §15.2). The bytes after a 2xx head belong to the tunnel, whatever
 * length the head states (RFC 9110 §9.3.6).
 */
export function connectReplyParser(): (chunk: Buffer) => ParseResult<ConnectReply> {
  const heads = new ConnectHeads();
  return (chunk) => {
    try {
      return heads.read(chunk);
    } catch (error) {
      if (error instanceof MalformedResponse) return invalid(error.message);
      throw error;
    }
  };
}

class ConnectHeads {
  #reader = new HeadReader(rules);
  #size = 0;

  read(chunk: Buffer): ParseResult<ConnectReply> {
    for (let start = 0; ;) {
      const end = this.#reader.read(chunk, start, chunk.length);
      // Interim heads count, so that their number is limited.
      this.#size += (end ?? chunk.length) - start;
      if (this.#size > rules.maxKibibytes * 1_024) return endlessHead;
      if (end === undefined) return incomplete;
      const { status, statusText, fields } = this.#reader.head();
      if (status === 101) return invalid("the status is 101 Switching Protocols");
      if (status >= 200)
        return complete({ status, statusText: statusText.trim(), headers: lastValues(fields) }, end);
      start = end;
      this.#reader = new HeadReader(rules);
    }
  }
}

const endlessHead = invalid("the head of its reply is longer than 16 KiB");

function lastValues(fields: HeaderFields): ConnectReply["headers"] {
  const entries = Object.entries(fields).map(
    ([name, value = ""]) => [name, [value].flat().at(-1) ?? ""] as const,
  );
  return Object.fromEntries(entries);
}
