import { readBucketHeaders } from "./buckets.ts";
import type { Dialect } from "./dialect.ts";

/**
 * X-RateLimit-Reset in the units that it is seen in: seconds from now (Zalando), seconds since 1970 (GitHub, Vimeo),
 * milliseconds since 1970, ISO 8601 (Jira), a JavaScript date (lemlist); X-RateLimit-Reset-After and -Retry-After
 * (Symfony); and X (Twitter), which writes X-Rate-Limit-Reset.
 */
export const xRateLimit: Dialect = (reply) =>
  readBucketHeaders(reply, "x-ratelimit-") ?? readBucketHeaders(reply, "x-rate-limit-");
