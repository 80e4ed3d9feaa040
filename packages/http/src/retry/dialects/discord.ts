import type { Dialect } from "./dialect.ts";
import { numberIn, secondsOf } from "./values.ts";

/**
 * Discord, whose body has the wait as a fraction of seconds, where Retry-After is rounded up; its bucket is shared by
 * several routes (Discord's page "Rate limits").
 */
export const discord: Dialect = ({ status, headers, body }) => {
  const bucket = headers.get("x-ratelimit-bucket");
  const global = headers.get("x-ratelimit-global") === "true";
  if (status !== 429 || (bucket === null && !global)) return undefined;
  const delay = secondsOf(String(numberIn(body?.(), "retry_after")));
  return {
    kind: "rate",
    scope: global ? "global" : String(bucket),
    ...(delay !== undefined && { delay }),
    source: "discord:retry_after",
  };
};
