import type { Dialect } from "./dialect.ts";
import { readText } from "./values.ts";

/**
 * HubSpot: a 429 names its limit. The daily limit resets at midnight, which is too long to wait (the page "API usage
 * guidelines and limits" of HubSpot).
 */
export const hubspot: Dialect = ({ status, body }) => {
  if (status !== 429) return undefined;
  const answer = body?.();
  const daily = readText(answer, "errorType") === "RATE_LIMIT" && readText(answer, "policyName") === "DAILY";
  return daily ? { kind: "quota", retry: false, source: "hubspot:DAILY" } : undefined;
};
