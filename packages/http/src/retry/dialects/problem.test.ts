import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { problem } from "./problem.ts";

function said(type: unknown, more: object = {}): ReplyInit {
  return { body: { type, ...more } };
}

const registry = "https://iana.org/assignments/http-problem-types";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "an exceeded quota with its policy",
    said(`${registry}#quota-exceeded`, { "violated-policies": ["daily", "bandwidth"] }),
    { kind: "rate", scope: "daily", source: "problem:quota-exceeded" },
  ],
  [
    "a reduced capacity",
    { status: 503, ...said(`${registry}#temporary-reduced-capacity`, { "violated-policies": "daily" }) },
    { kind: "overload", source: "problem:temporary-reduced-capacity" },
  ],
  [
    "abnormal usage",
    said(`${registry}#abnormal-usage-detected`),
    { kind: "rate", retry: false, source: "problem:abnormal-usage-detected" },
  ],
  ["a problem type with status 404", { status: 404, ...said(`${registry}#quota-exceeded`) }, undefined],
  ["another problem type", said("about:blank"), undefined],
  ["a type named after a property of Object.prototype", said("#constructor"), undefined],
  ["a type that is not a string", said(7), undefined],
  ["a reply without a body", {}, undefined],
];

for (const [what, reply, hint] of table) {
  test(`problem ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(problem(replyWith(reply)), hint);
  });
}
