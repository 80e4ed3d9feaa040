import { readBucketHeaders } from "./buckets.ts";
import type { Dialect } from "./dialect.ts";

/**
 * X-RateLimit-Reset in all units that servers use: seconds from now (Zalando), seconds since 1970 (GitHub, Vimeo),
 * milliseconds since 1970, ISO 8601 (Jira), a JavaScript date (lemlist); X-RateLimit-Reset-After and -Retry-After
 * (Symfony); and X-Rate-Limit-Reset of X (Twitter).
 */
export const xRateLimit: Dialect = (reply) =>
  readBucketHeaders(reply, "x-ratelimit-") ?? readBucketHeaders(reply, "x-rate-limit-");
