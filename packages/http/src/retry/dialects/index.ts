import { anthropic } from "./anthropic.ts";
import { aws } from "./aws.ts";
import type { Dialect } from "./dialect.ts";
import { discord } from "./discord.ts";
import { github } from "./github.ts";
import { google } from "./google.ts";
import { hubspot } from "./hubspot.ts";
import { openai } from "./openai.ts";
import { problem } from "./problem.ts";
import { rateLimit } from "./rate-limit.ts";
import { rateLimitLegacy } from "./rate-limit-legacy.ts";
import { retryAfter } from "./retry-after.ts";
import { shopify } from "./shopify.ts";
import { retryAfterInBody } from "./retry-after-in-body.ts";
import { envoy, grpcPushback, shouldRetry } from "./should-retry.ts";
import { xRateLimit } from "./x-rate-limit.ts";

/**
 * The rate limit dialects that a `Retry` understands by default, the most important first: Retry-After, the upcoming
 * standard, the vendors that can be recognised, and the remaining variants of X-RateLimit.
 */
export const dialects: readonly Dialect[] = Object.freeze([
  retryAfter,
  rateLimit,
  rateLimitLegacy,
  problem,
  shouldRetry,
  grpcPushback,
  envoy,
  github,
  openai,
  anthropic,
  google,
  aws,
  hubspot,
  discord,
  retryAfterInBody,
  shopify,
  xRateLimit,
]);
