import type { Dialect, Reply } from "./dialect.ts";
import { readField, readNumber, parseSeconds } from "./values.ts";

const discordHeaders = ["x-ratelimit-bucket", "x-ratelimit-global", "x-ratelimit-scope"];

/**
 * Discord: the body has the wait with fractions of a second, while Retry-After is rounded up. Several routes share a bucket.
 * A limit with the scope `shared` is not counted against the client, but still has to be waited for (the page "Rate limits"
 * of Discord).
 */
export const discord: Dialect = ({ status, headers, body }) => {
  if (status !== 429 || discordHeaders.every((name) => headers.get(name) === null)) return undefined;
  const answer = body?.();
  const scope = isGlobal(headers, answer) ? "global" : headers.get("x-ratelimit-bucket");
  const delay = parseSeconds(String(readNumber(answer, "retry_after")));
  return {
    kind: "rate",
    ...(scope !== null && { scope }),
    ...(delay !== undefined && { delay }),
    source: "discord:retry_after",
  };
};

function isGlobal(headers: Reply["headers"], answer: unknown): boolean {
  const limitScope = headers.get("x-ratelimit-scope")?.trim().toLowerCase();
  if (limitScope === "shared") return false;
  if (limitScope === "global" || readField(answer, "global") === true) return true;
  return headers.get("x-ratelimit-global")?.trim().toLowerCase() === "true";
}
