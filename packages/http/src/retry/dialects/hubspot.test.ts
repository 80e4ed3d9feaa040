import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith } from "../../testing/scripted/dialect-reply.ts";
import { hubspot } from "./hubspot.ts";

function limit(policyName: string, errorType = "RATE_LIMIT"): { readonly body: unknown } {
  return { body: { status: "error", errorType, policyName } };
}

test("HubSpot: the daily limit is an exhausted quota", () => {
  assert.deepEqual(hubspot(replyWith(limit("DAILY"))), {
    kind: "quota",
    retry: false,
    source: "hubspot:DAILY",
  });
});

test("HubSpot: the limit of ten seconds, and another vendor's policy, are no quota", () => {
  assert.equal(hubspot(replyWith(limit("TEN_SECONDLY_ROLLING"))), undefined);
  assert.equal(hubspot(replyWith(limit("DAILY", "OTHER"))), undefined);
  assert.equal(hubspot(replyWith({ status: 500, ...limit("DAILY") })), undefined);
});
