import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptedFetcher } from "../testing/scripted-fetcher.ts";
import { fetchJob } from "./fetch-job.ts";
import { isFetchSuspension, type FetchWait } from "./fetcher.ts";

const wait: FetchWait = {
  until: 1_000,
  scope: "host",
  source: "retry-after",
  isStated: true,
  host: "a.test",
};
const parts = { code: "ERR_SUSPENDED", wait, continuation: { version: 1 }, attempts: [], newAttempts: 0 };
const suspended: Error = Object.assign(new Error("Suspended"), parts);

test("isFetchSuspension recognises a suspension by its shape", () => {
  assert.equal(isFetchSuspension(suspended), true);
});

for (const [name, value] of Object.entries({
  "a plain object": parts,
  "an error of another code": Object.assign(new Error("Closed"), { ...parts, code: "ERR_CLOSED" }),
  "a suspension without a wait": Object.assign(new Error("Suspended"), { ...parts, wait: undefined }),
  "a suspension without a continuation": Object.assign(new Error("Suspended"), {
    ...parts,
    continuation: "",
  }),
})) {
  test(`isFetchSuspension rejects ${name}`, () => {
    assert.equal(isFetchSuspension(value), false);
  });
}

test("a job is continued with the options of its suspension", async () => {
  const fetcher = scriptedFetcher(() => {
    throw suspended;
  });
  const job = { id: 1, line: 1, method: "GET", url: "http://a.test/" };

  const result = await fetchJob(fetcher, job, { onWait: "suspend", continuation: parts.continuation });

  assert.deepEqual(result, { ok: false, error: suspended });
  assert.deepEqual(fetcher.requests[0]?.options, { onWait: "suspend", continuation: parts.continuation });
});
