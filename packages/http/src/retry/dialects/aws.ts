import type { Dialect, Reply } from "./dialect.ts";
import { readText } from "./values.ts";

const awsHeaders = ["x-amzn-requestid", "x-amz-request-id", "x-amzn-errortype", "x-amzn-query-error"];
const errorHeaders = ["x-amzn-query-error", "x-amzn-errortype"];
const jsonPaths = [["__type"], ["code"], ["Code"], ["Error", "Code"]];
/** Codes that only AWS uses: they identify it even if a gateway removed its headers. */
const unmarked: ReadonlySet<number> = new Set([400, 429, 503]);
const itsOwn =
  /^(?:(?:EC2)?Thrott\w+|RequestThrottled|TooManyRequests|ProvisionedThroughputExceeded)Exception$/;
/** The codes that the AWS client treats as throttling (@smithy/service-error-classification). */
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
 * AWS throttles with an error code and any status, mostly 400. The code is in a header or a JSON body, or in an XML body of
 * the Query protocol and S3.
 */
export const aws: Dialect = (reply) => {
  if (reply.status < 400) return undefined;
  const code = awsHeaders.some((name) => reply.headers.get(name) !== null)
    ? markedIn(reply)
    : unmarkedIn(reply);
  return throttling.has(code) ? { kind: "rate", retry: true, source: `aws:${code}` } : undefined;
};

function markedIn(reply: Reply): string {
  return readErrorCodes(reply).map(bare).find(Boolean) ?? "";
}

/** `__type` is a field that only AWS uses. */
function unmarkedIn(reply: Reply): string {
  if (!unmarked.has(reply.status)) return "";
  const [type = "", ...others] = readErrorCodes(reply).map(bare);
  return type === "" ? (others.find((code) => itsOwn.test(code)) ?? "") : type;
}

/** Returns the possible codes, the most important first. */
function readErrorCodes({ headers, body, text }: Reply): readonly string[] {
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
