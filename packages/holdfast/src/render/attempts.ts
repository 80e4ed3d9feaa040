import { isUtf8 } from "node:buffer";
import type { AttemptRecord } from "@holdfast/http";
import { printable } from "../process/printable.ts";
import { formatTime } from "./quantities.ts";
import type { Style, Styler } from "./style.ts";

/** Formats an attempt as one line: its result, its duration, and the wait after it. */
export function formatAttempt(attempt: AttemptRecord, style: Styler): string {
  const { number, status, error, elapsed, verdict } = attempt;
  const result = status === undefined ? printable(error?.message ?? verdict.reason) : String(status);
  const reason =
    verdict.reason === "ok" || verdict.reason === `http-${status}` ? "" : ` (${printable(verdict.reason)})`;
  return `attempt ${number}: ${style(attemptColor(verdict.kind), result)}${reason} in ${formatTime(elapsed)}${formatWait(attempt)}`;
}

function attemptColor(kind: AttemptRecord["verdict"]["kind"]): Style {
  if (kind === "success") return "green";
  return kind === "rejected" || kind === "blocked" ? "red" : "yellow";
}

function formatWait({ delay, delaySource }: AttemptRecord): string {
  if (delay === undefined) return "";
  const source = delaySource === undefined ? "" : ` (${printable(delaySource)})`;
  return `, retrying in ${formatTime(delay)}${source}`;
}

/** The part of a response that stands before its body. */
interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: { entries(): Iterable<readonly [string, string]> };
}

/** Returns the bytes of the status line and the headers as on the wire, with the empty line after them. */
export function encodeResponseHead({ status, statusText, headers }: ResponseHead): Uint8Array {
  const lines = [...headers.entries()].map(([name, value]) => `${name}: ${value}\r\n`);
  const text = `HTTP ${[status, statusText].join(" ").trimEnd()}\r\n${lines.join("")}\r\n`;
  // A head is decoded as Latin-1, so that each of its bytes is one character.
  return Buffer.from(text, /[\u0100-\uffff]/.test(text) ? "utf8" : "latin1");
}

/** Decodes the same as UTF-8, or as Latin-1 where it is not UTF-8. */
export function decodeResponseHead(head: ResponseHead): string {
  const bytes = encodeResponseHead(head);
  return Buffer.from(bytes).toString(isUtf8(bytes) ? "utf8" : "latin1");
}
