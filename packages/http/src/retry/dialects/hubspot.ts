import type { Dialect } from "./dialect.ts";
import { readText } from "./values.ts";

/**
 * HubSpot, whose 429 names the limit that was met: that of the day is full again at midnight, which nobody waits for
 * (HubSpot's page "API usage guidelines and limits").
 */
export const hubspot: Dialect = ({ status, body }) => {
  if (status !== 429) return undefined;
  const answer = body?.();
  const daily = readText(answer, "errorType") === "RATE_LIMIT" && readText(answer, "policyName") === "DAILY";
  return daily ? { kind: "quota", retry: false, source: "hubspot:DAILY" } : undefined;
};
