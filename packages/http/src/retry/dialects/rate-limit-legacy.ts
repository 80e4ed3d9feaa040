import type { Dialect } from "./dialect.ts";
import { readBucketHeaders } from "./buckets.ts";
import { isNothingLeft, parseSeconds } from "./values.ts";

/**
 * RateLimit-Limit, -Remaining and -Reset (draft-ietf-httpapi-ratelimit-headers up to 06: the reset is in seconds from
 * now; some servers send instants), and the dictionary of draft 07: `RateLimit: limit=100, remaining=0, reset=30`.
 */
export const rateLimitLegacy: Dialect = (reply) =>
  readBucketHeaders(reply, "ratelimit-") ?? dictionary(reply);

const dictionary: Dialect = ({ headers }) => {
  const members = new Map(
    (headers.get("ratelimit") ?? "").split(",").flatMap((member) => {
      const [, name = "", value = ""] = /^\s*([a-z]+)=(\d{1,15})\s*$/.exec(member) ?? [];
      return name === "" ? [] : [[name, value] as const];
    }),
  );
  if (!isNothingLeft(members.get("remaining") ?? "")) return undefined;
  const delay = parseSeconds(members.get("reset") ?? "");
  return delay === undefined ? undefined : { kind: "rate", delay, source: "ratelimit" };
};
