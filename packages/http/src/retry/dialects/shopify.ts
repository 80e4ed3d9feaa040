import type { Dialect } from "./dialect.ts";
import { readList, readNumber, readText } from "./values.ts";

// The bucket leaks two requests per second (the page "API limits" of Shopify), and more on larger plans.
const place = 500;

/**
 * Shopify: the leaky bucket of the REST API, `used/size`, and that of the GraphQL API. GraphQL returns 200, and its body has
 * the available points and their restore rate. It counts if `when` requests another attempt.
 */
export const shopify: Dialect = (reply) => rest(reply) ?? (reply.status === 200 ? graphql(reply) : undefined);

const rest: Dialect = ({ status, headers }) => {
  const source = "x-shopify-shop-api-call-limit";
  const [, used, size] = /^\s*(\d+)\/(\d+)\s*$/.exec(headers.get(source) ?? "") ?? [];
  const full = status === 429 && used !== undefined && Number(used) >= Number(size);
  return full ? { kind: "rate", delay: place, source } : undefined;
};

const graphql: Dialect = ({ body }) => {
  const answer = body?.();
  const throttled = readList(answer, "errors").some(
    (error) => readText(error, "extensions", "code") === "THROTTLED",
  );
  if (!throttled) return undefined;
  const cost = (...path: readonly string[]): number => readNumber(answer, "extensions", "cost", ...path);
  const missing = cost("requestedQueryCost") - cost("throttleStatus", "currentlyAvailable");
  const delay = Math.ceil((missing / cost("throttleStatus", "restoreRate")) * 1_000);
  const known = Number.isFinite(delay) && delay >= 0;
  return { kind: "rate", ...(known && { delay }), source: "shopify:throttleStatus" };
};
