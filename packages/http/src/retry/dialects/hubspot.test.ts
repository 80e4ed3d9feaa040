import assert from "node:assert/strict";
import { test } from "node:test";
import { replyWith } from "../../testing/scripted/dialect-reply.ts";
import { hubspot } from "./hubspot.ts";

function limit(policyName: string, errorType = "RATE_LIMIT"): { readonly body: unknown } {
  return { body: { status: "error", errorType, policyName } };
}

test("HubSpot: the day's limit is a quota that is used up", () => {
  assert.deepEqual(hubspot(replyWith(limit("DAILY"))), {
    kind: "quota",
    retry: false,
    source: "hubspot:DAILY",
  });
});

test("HubSpot: the limit of ten seconds, and somebody else's policy, are not", () => {
  assert.equal(hubspot(replyWith(limit("TEN_SECONDLY_ROLLING"))), undefined);
  assert.equal(hubspot(replyWith(limit("DAILY", "OTHER"))), undefined);
  assert.equal(hubspot(replyWith({ status: 500, ...limit("DAILY") })), undefined);
});
