import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { aws } from "./aws.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "a throttling error of DynamoDB",
    {
      status: 400,
      headers: { "x-amzn-requestid": "1" },
      body: { __type: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException" },
    },
    { kind: "rate", retry: true, source: "aws:ProvisionedThroughputExceededException" },
  ],
  [
    "an x-amzn-errortype with an address",
    { status: 400, headers: { "x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/" } },
    { kind: "rate", retry: true, source: "aws:ThrottlingException" },
  ],
  [
    "a plain code in the body",
    { status: 503, headers: { "x-amz-request-id": "1" }, body: { code: "SlowDown" } },
    { kind: "rate", retry: true, source: "aws:SlowDown" },
  ],
  [
    "a validation error",
    { status: 400, headers: { "x-amzn-requestid": "1" }, body: { __type: "ValidationException" } },
    undefined,
  ],
  [
    "an XML error of the Query protocol",
    {
      status: 400,
      headers: { "x-amzn-requestid": "1" },
      text: "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>",
    },
    { kind: "rate", retry: true, source: "aws:Throttling" },
  ],
  [
    "an XML error with another code",
    { status: 400, headers: { "x-amzn-requestid": "1" }, text: "<Error><Code>NoSuchKey</Code></Error>" },
    undefined,
  ],
  [
    "an XML error of another vendor",
    { status: 400, text: "<Error><Code>Throttling</Code></Error>" },
    undefined,
  ],
  [
    "a JSON error of the Query protocol",
    { status: 400, headers: { "x-amzn-requestid": "1" }, body: { Error: { Code: "Throttling" } } },
    { kind: "rate", retry: true, source: "aws:Throttling" },
  ],
  [
    "the x-amzn-query-error of the Query protocol",
    { status: 400, headers: { "x-amzn-query-error": "Throttling;Sender", "x-amzn-errortype": "Other" } },
    { kind: "rate", retry: true, source: "aws:Throttling" },
  ],
  [
    "the code in the body if x-amzn-errortype is empty",
    { status: 400, headers: { "x-amzn-errortype": " " }, body: { __type: "ThrottlingException" } },
    { kind: "rate", retry: true, source: "aws:ThrottlingException" },
  ],
  [
    "an AWS type without AWS headers",
    { status: 400, body: { __type: "com.amazonaws.kinesis#LimitExceededException" } },
    { kind: "rate", retry: true, source: "aws:LimitExceededException" },
  ],
  [
    "a code of AWS alone without AWS headers",
    { status: 400, body: { code: "ThrottlingException" } },
    { kind: "rate", retry: true, source: "aws:ThrottlingException" },
  ],
  [
    "a code of AWS alone in XML without AWS headers",
    { status: 503, text: "<Error><Code>TooManyRequestsException</Code></Error>" },
    { kind: "rate", retry: true, source: "aws:TooManyRequestsException" },
  ],
  [
    "a type that is not a throttling error",
    { status: 400, body: { __type: "ValidationException" } },
    undefined,
  ],
  [
    "an ambiguous code without AWS headers",
    { status: 400, body: { code: "LimitExceededException" } },
    undefined,
  ],
  ["a common code without AWS headers", { status: 400, body: { code: "Throttling" } }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`aws ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(aws(replyWith(reply)), hint);
  });
}
