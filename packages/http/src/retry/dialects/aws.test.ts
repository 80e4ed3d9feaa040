import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { aws } from "./aws.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "DynamoDB",
    {
      status: 400,
      headers: { "x-amzn-requestid": "1" },
      body: { __type: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException" },
    },
    { kind: "rate", retry: true, source: "aws:ProvisionedThroughputExceededException" },
  ],
  [
    "a header with an address",
    { status: 400, headers: { "x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/" } },
    { kind: "rate", retry: true, source: "aws:ThrottlingException" },
  ],
  [
    "a plain code",
    { status: 503, headers: { "x-amz-request-id": "1" }, body: { code: "SlowDown" } },
    { kind: "rate", retry: true, source: "aws:SlowDown" },
  ],
  [
    "a request that is wrong",
    { status: 400, headers: { "x-amzn-requestid": "1" }, body: { __type: "ValidationException" } },
    undefined,
  ],
  [
    "the Query protocol's XML",
    {
      status: 400,
      headers: { "x-amzn-requestid": "1" },
      text: "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>",
    },
    { kind: "rate", retry: true, source: "aws:Throttling" },
  ],
  [
    "XML that says something else",
    { status: 400, headers: { "x-amzn-requestid": "1" }, text: "<Error><Code>NoSuchKey</Code></Error>" },
    undefined,
  ],
  ["somebody else's XML", { status: 400, text: "<Error><Code>Throttling</Code></Error>" }, undefined],
  [
    "the Query protocol's JSON",
    { status: 400, headers: { "x-amzn-requestid": "1" }, body: { Error: { Code: "Throttling" } } },
    { kind: "rate", retry: true, source: "aws:Throttling" },
  ],
  [
    "the Query protocol's header",
    { status: 400, headers: { "x-amzn-query-error": "Throttling;Sender", "x-amzn-errortype": "Other" } },
    { kind: "rate", retry: true, source: "aws:Throttling" },
  ],
  [
    "an empty header, and a code in the body",
    { status: 400, headers: { "x-amzn-errortype": " " }, body: { __type: "ThrottlingException" } },
    { kind: "rate", retry: true, source: "aws:ThrottlingException" },
  ],
  [
    "a type behind a gateway that drops the marks",
    { status: 400, body: { __type: "com.amazonaws.kinesis#LimitExceededException" } },
    { kind: "rate", retry: true, source: "aws:LimitExceededException" },
  ],
  [
    "a code that is AWS's own behind such a gateway",
    { status: 400, body: { code: "ThrottlingException" } },
    { kind: "rate", retry: true, source: "aws:ThrottlingException" },
  ],
  [
    "the same in XML",
    { status: 503, text: "<Error><Code>TooManyRequestsException</Code></Error>" },
    { kind: "rate", retry: true, source: "aws:TooManyRequestsException" },
  ],
  ["a type that says something else", { status: 400, body: { __type: "ValidationException" } }, undefined],
  [
    "a code of somebody else's that sounds alike",
    { status: 400, body: { code: "LimitExceededException" } },
    undefined,
  ],
  ["somebody else's code", { status: 400, body: { code: "Throttling" } }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`AWS: ${what}`, () => {
    assert.deepEqual(aws(replyWith(reply)), hint);
  });
}
