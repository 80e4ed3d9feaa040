import type { Dialect, Reply } from "./dialect.ts";
import { readText } from "./values.ts";

const marks = ["x-amzn-requestid", "x-amz-request-id", "x-amzn-errortype", "x-amzn-query-error"];
const errorHeaders = ["x-amzn-query-error", "x-amzn-errortype"];
const jsonPaths = [["__type"], ["code"], ["Code"], ["Error", "Code"]];
/** Where a body shows the codes that nobody else gives, gateways may drop the marks. */
const unmarked: ReadonlySet<number> = new Set([400, 429, 503]);
const itsOwn =
  /^(?:(?:EC2)?Thrott\w+|RequestThrottled|TooManyRequests|ProvisionedThroughputExceeded)Exception$/;
/** The codes that AWS's own client takes for throttling (@smithy/service-error-classification). */
const throttling: ReadonlySet<string> = new Set([
  "BandwidthLimitExceeded",
  "EC2ThrottledException",
  "LimitExceededException",
  "PriorRequestNotComplete",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "SlowDown",
  "ThrottledException",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
  "TransactionInProgressException",
]);

/**
 * AWS, which throttles with an error code and any status, 400 most of all. It is found in a header, or in a body of JSON
 * or, of the Query protocol and of S3, of XML.
 */
export const aws: Dialect = (reply) => {
  if (reply.status < 400) return undefined;
  const code = marks.some((name) => reply.headers.get(name) !== null) ? markedIn(reply) : unmarkedIn(reply);
  return throttling.has(code) ? { kind: "rate", retry: true, source: `aws:${code}` } : undefined;
};

function markedIn(reply: Reply): string {
  return codesOf(reply).map(bare).find(Boolean) ?? "";
}

/** `__type` is AWS's own field. */
function unmarkedIn(reply: Reply): string {
  if (!unmarked.has(reply.status)) return "";
  const [type = "", ...others] = codesOf(reply).map(bare);
  return type === "" ? (others.find((code) => itsOwn.test(code)) ?? "") : type;
}

/** What may be the code, the weightiest first; empty where there is none. */
function codesOf({ headers, body, text }: Reply): readonly string[] {
  const named = errorHeaders.map((name) => headers.get(name) ?? "");
  if (named.some((code) => bare(code) !== "")) return named;
  const answer = body?.();
  const [, inXml = ""] = /<Code>([^<]{1,200})<\/Code>/.exec(text?.() ?? "") ?? [];
  return [...jsonPaths.map((path) => readText(answer, ...path)), inXml];
}

/**
 * `com.amazonaws.dynamodb#ThrottlingException`, `ThrottlingException:http://...` and `ThrottlingException;Sender` are all
 * ThrottlingException.
 */
function bare(written: string): string {
  return /^(?:[^#:]*#)?([^#:,;]+)/.exec(written)?.[1]?.trim() ?? "";
}
