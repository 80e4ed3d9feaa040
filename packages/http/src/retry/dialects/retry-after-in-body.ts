import type { Dialect } from "./dialect.ts";
import { readField, delayUntilReset } from "./values.ts";

const bodyHintStatuses: ReadonlySet<number> = new Set([420, 429, 503]);
const inSeconds = [["retry_after"], ["parameters", "retry_after"], ["error", "retry_after"]];

/**
 * `retry_after` in a JSON body, in seconds: in the `parameters` of Telegram (Bot API, "ResponseParameters"), in other APIs at
 * the top level or in `error`. Also the `retry_after_ms` of Matrix (client-server API, "Rate limiting").
 */
export const retryAfterInBody: Dialect = ({ status, body, now }) => {
  if (!bodyHintStatuses.has(status)) return undefined;
  const answer = body?.();
  const kind = status < 500 ? "rate" : "overload";
  const milliseconds = readField(answer, "retry_after_ms");
  if (typeof milliseconds === "number" && milliseconds >= 0)
    return { kind, delay: milliseconds, source: "body:retry_after_ms" };
  for (const path of inSeconds) {
    const delay = delayUntilReset(toText(readField(answer, ...path)), now);
    if (delay !== undefined) return { kind, delay, source: `body:${path.join(".")}` };
  }
  return undefined;
};

function toText(value: unknown): string {
  return typeof value === "number" || typeof value === "string" ? String(value) : "";
}
