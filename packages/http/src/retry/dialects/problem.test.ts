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
    "a quota, and whose",
    said(`${registry}#quota-exceeded`, { "violated-policies": ["daily", "bandwidth"] }),
    { kind: "rate", scope: "daily", source: "problem:quota-exceeded" },
  ],
  [
    "less capacity than usual",
    { status: 503, ...said(`${registry}#temporary-reduced-capacity`, { "violated-policies": "daily" }) },
    { kind: "overload", source: "problem:temporary-reduced-capacity" },
  ],
  [
    "abnormal usage",
    said(`${registry}#abnormal-usage-detected`),
    { kind: "rate", retry: false, source: "problem:abnormal-usage-detected" },
  ],
  ["another status", { status: 404, ...said(`${registry}#quota-exceeded`) }, undefined],
  ["another problem", said("about:blank"), undefined],
  ["a name that every object has", said("#constructor"), undefined],
  ["a type that is no text", said(7), undefined],
  ["no body", {}, undefined],
];

for (const [what, reply, hint] of table) {
  test(`problem types: ${what}`, () => {
    assert.deepEqual(problem(replyWith(reply)), hint);
  });
}
