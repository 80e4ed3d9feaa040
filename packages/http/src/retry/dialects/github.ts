import type { Dialect, Reply } from "./dialect.ts";
import { isNothingLeft, longestDelay, readText, delayUntilReset } from "./values.ts";

const githubHeaders = ["x-github-request-id", "x-github-media-type", "x-ratelimit-resource"];
const githubLimitStatuses: ReadonlySet<number> = new Set([403, 429]);
const second = 1_000;
const minute = 60_000;

/**
 * The limits of GitHub, which return 403 or 429 (docs.github.com, "Rate limits for the REST API").
 *
 * - The primary limit states its end in seconds since 1970. One second is added, as in Octokit.
 * - The secondary limit has a Retry-After or means one minute. Its message identifies it. Older releases call it an abuse
 *   detection mechanism.
 *
 * If a gateway removed the headers of GitHub, the body identifies it.
 */
export const github: Dialect = (reply) => {
  if (!githubLimitStatuses.has(reply.status)) return undefined;
  if (githubHeaders.some((name) => reply.headers.get(name) !== null))
    return primary(reply) ?? secondary(reply);
  if (blamesSecondary(reply)) return secondary(reply);
  return isDocumented(reply) ? primary(reply) : undefined;
};

const primary: Dialect = ({ headers, now }) => {
  if (!isNothingLeft(headers.get("x-ratelimit-remaining") ?? "")) return undefined;
  const delay = longestDelay(headers.get("x-ratelimit-reset"), (text) => delayUntilReset(text, now));
  if (delay === undefined) return undefined;
  const scope = headers.get("x-ratelimit-resource");
  return {
    kind: "rate",
    ...(scope !== null && { scope }),
    delay: delay + second,
    retry: true,
    source: "github:x-ratelimit-reset",
  };
};

const secondary: Dialect = (reply) => {
  const hasRetryAfter = reply.headers.get("retry-after") !== null;
  if (!hasRetryAfter && !blamesSecondary(reply)) return undefined;
  return {
    kind: "rate",
    ...(!hasRetryAfter && { delay: minute }),
    retry: true,
    source: "github:secondary-rate-limit",
  };
};

function blamesSecondary({ body }: Reply): boolean {
  return /secondary rate limit|abuse detection mechanism/i.test(readText(body?.(), "message"));
}

function isDocumented({ body }: Reply): boolean {
  return readText(body?.(), "documentation_url").startsWith("https://docs.github.com/");
}
