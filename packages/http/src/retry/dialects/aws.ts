import type { Dialect, Reply } from "./dialect.ts";
import { textIn } from "./values.ts";

const marks = ["x-amzn-requestid", "x-amz-request-id", "x-amzn-errortype"];
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

/** AWS, which throttles with an error code and any status, 400 most of all. It is found in a header or in a body of JSON. */
export const aws: Dialect = (reply) => {
  if (reply.status < 400 || marks.every((name) => reply.headers.get(name) === null)) return undefined;
  const code = codeOf(reply);
  return throttling.has(code) ? { kind: "rate", retry: true, source: `aws:${code}` } : undefined;
};

/** `com.amazonaws.dynamodb#ThrottlingException` and `ThrottlingException:http://...` are both ThrottlingException. */
function codeOf({ headers, body }: Reply): string {
  const written = headers.get("x-amzn-errortype") ?? codeIn(body?.());
  return /^(?:[^#:]*#)?([^#:,]+)/.exec(written)?.[1]?.trim() ?? "";
}

function codeIn(body: unknown): string {
  return textIn(body, "__type") || textIn(body, "code") || textIn(body, "Code");
}
