import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunEvent } from "@holdfast/runner";
import { startProgress } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { formatEvent, formatProgressLog } from "./progress-log.ts";

const start = startProgress(0, 0);
const totals = { removed: 0, ...start.totals, attempts: 0, bytes: 0 };
const job = { id: 17, line: 17, method: "GET", url: "https://example.com/gone" };
const lease = { job, host: 1, from: "pending", deferrals: 0 } as const;

test("formatProgressLog writes the counts above 0, the rate and the time left", () => {
  const rate = { at: 0, finished: 0, weighted: 48, weight: 1 };
  const rows: readonly (readonly [Progress, string])[] = [
    [start, "0 of 0 done, 0 waiting, 0.00/s"],
    [
      {
        ...start,
        inputEnded: true,
        rate,
        totals: { lines: 1_300, done: 1_000, failed: 3, skipped: 2, unknown: 1, waiting: 294 },
      },
      "1,000 of 1,300 done, 4 failed, 2 skipped, 294 waiting, 48/s, about 7 s left",
    ],
  ];

  for (const [progress, line] of rows) assert.equal(formatProgressLog(progress), line);
});

test("formatEvent reports the first failure with each reason, long pauses and invalid lines", () => {
  const failed: RunEvent = {
    type: "finished",
    job,
    outcome: {
      lease,
      state: { at: "failed", reason: "http-404", retryable: false },
      advice: "The URL is wrong",
      at: 0,
    },
  };
  const known = { ...start, failures: new Set(["http-404"]) };
  const rows: readonly (readonly [Progress, RunEvent, string | undefined])[] = [
    [start, { type: "planned", added: 5, known: 0, duplicates: 0, invalid: 0, totals }, undefined],
    [
      start,
      { type: "planned", added: 5, known: 0, duplicates: 0, invalid: 1, totals },
      "1 line has no valid URL (see the report)",
    ],
    [
      start,
      { type: "planned", added: 5, known: 0, duplicates: 0, invalid: 2, totals },
      "2 lines have no valid URL (see the report)",
    ],
    [start, { type: "input-ended" }, "list read: 0 lines, 0 to fetch"],
    [start, { type: "started", job }, undefined],
    [start, failed, "line 17 failed: http-404, https://example.com/gone (The URL is wrong)"],
    [known, failed, undefined],
    [
      start,
      { type: "finished", job, outcome: { lease, state: { at: "done" }, advice: "", at: 0 } },
      undefined,
    ],
    [
      start,
      { type: "host-deferred", host: "example.com", until: 30_000, reason: "parked" },
      "example.com requested a pause of 30 s",
    ],
    [
      start,
      { type: "host-deferred", host: "example.com", until: 60_000, reason: "refusing" },
      "example.com refuses every request: trying again in 1 min 0 s",
    ],
    [
      start,
      { type: "host-down", host: "example.com", reason: "host-down", lines: 40, totals },
      "example.com is given up: 40 lines ended as host-down",
    ],
    [start, { type: "host-deferred", host: "example.com", until: 1_999, reason: "parked" }, undefined],
    [
      start,
      {
        type: "no-proxy",
        host: "example.com",
        until: 30_000,
        why: "No proxy is available for example.com: 3 http-403",
      },
      "No proxy is available for example.com: 3 http-403; retrying in 30 s",
    ],
    [start, { type: "no-proxy", host: "example.com", until: 1_000, why: "" }, undefined],
  ];

  for (const [progress, event, text] of rows) assert.equal(formatEvent(progress, event), text);
});
