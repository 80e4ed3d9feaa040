import type { AttemptRecord } from "@holdfast/http";
import type { Styler } from "./style.ts";
import { printable } from "../process/printable.ts";
import { formatTime } from "./quantities.ts";

/** Tells one attempt in one line: what came of it, how long it took, and the wait that followed and why. */
export function formatAttempt(
  { number, status, error, elapsed, verdict, delay, delaySource }: AttemptRecord,
  style: Styler,
): string {
  const what = status === undefined ? printable(error?.message ?? verdict.reason) : String(status);
  const color =
    verdict.kind === "success"
      ? "green"
      : verdict.kind === "rejected" || verdict.kind === "blocked"
        ? "red"
        : "yellow";
  const wait =
    delay === undefined
      ? ""
      : `, again in ${formatTime(delay)}${delaySource === undefined ? "" : ` (${printable(delaySource)})`}`;
  return `attempt ${number}: ${style(color, what)}${verdict.reason === "ok" ? "" : `, ${printable(verdict.reason)},`} after ${formatTime(elapsed)}${wait}`;
}

/** Tells the status line and the headers as they would stand on the wire, with the blank line after them. */
export function formatResponseHead(response: {
  readonly status: number;
  readonly statusText: string;
  readonly headers: { entries(): Iterable<readonly [string, string]> };
}): string {
  const lines = [...response.headers.entries()].map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP ${[response.status, response.statusText].join(" ").trimEnd()}\r\n${lines.join("")}\r\n`;
}
