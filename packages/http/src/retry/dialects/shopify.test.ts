import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith, type ReplyInit } from "../../testing/scripted/dialect-reply.ts";
import type { Hint } from "./dialect.ts";
import { shopify } from "./shopify.ts";

const table: readonly (readonly [what: string, reply: ReplyInit, hint: Hint | undefined])[] = [
  [
    "a full bucket",
    { headers: { "x-shopify-shop-api-call-limit": "40/40" } },
    { kind: "rate", delay: 500, source: "x-shopify-shop-api-call-limit" },
  ],
  ["a bucket with room", { headers: { "x-shopify-shop-api-call-limit": "32/40" } }, undefined],
  [
    "THROTTLED with a restore rate",
    {
      status: 200,
      body: {
        errors: [{ extensions: { code: "THROTTLED" } }],
        extensions: {
          cost: { requestedQueryCost: 150, throttleStatus: { currentlyAvailable: 50, restoreRate: 50 } },
        },
      },
    },
    { kind: "rate", delay: 2_000, source: "shopify:throttleStatus" },
  ],
  [
    "THROTTLED without a restore rate",
    {
      status: 200,
      body: {
        errors: [{ extensions: { code: "THROTTLED" } }],
        extensions: {
          cost: { requestedQueryCost: 150, throttleStatus: { currentlyAvailable: 50, restoreRate: 0 } },
        },
      },
    },
    { kind: "rate", source: "shopify:throttleStatus" },
  ],
  ["a response without errors", { status: 200, body: { data: {} } }, undefined],
];

for (const [what, reply, hint] of table) {
  test(`shopify ${hint === undefined ? "ignores" : "recognises"} ${what}`, () => {
    assert.deepEqual(shopify(replyWith(reply)), hint);
  });
}
