import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { test } from "node:test";
import fc from "fast-check";
import { ansiStyle } from "./style.ts";
import { foldProgress, startProgress } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { formatProgressLine } from "./progress-line.ts";

function at(totals: Partial<Progress["totals"]>, changes: Partial<Progress> = {}): Progress {
  const rate = { at: 0, finished: 0, weighted: 48, weight: 1 };
  return {
    ...startProgress(0, 0),
    inputEnded: true,
    rate,
    totals: { ...startProgress(0, 0).totals, ...totals },
    ...changes,
  };
}

test("the progress line shows a bar, the counts, the rate and the time left", () => {
  const half = { lines: 300, done: 150, waiting: 150 };
  const rows: readonly (readonly [Progress, number, string])[] = [
    [
      startProgress(0, 0),
      79,
      "[............................]  0%  0 done  0 waiting  0.00/s  reading the list",
    ],
    [at(half), 79, "[#################.................]  50%  150 done  150 waiting  48/s  ETA 4 s"],
    [
      at(half, { rate: { at: 0, finished: 0, weighted: 0, weight: 1 } }),
      60,
      "[#######........]  50%  150 done  150 waiting  0.00/s  ETA -",
    ],
    [
      at({ lines: 300, done: 100, failed: 45, unknown: 5, waiting: 150 }),
      79,
      "[########xxx............]  50%  100 done  50 failed  150 waiting  48/s  ETA 4 s",
    ],
    [at({ lines: 4, done: 4 }), 200, `[${"#".repeat(40)}]  100%  4 done  0 waiting  48/s  ETA 0 s`],
    [
      at(half, { stage: "drain", inFlight: 12 }),
      79,
      "[#####.....]  50%  150 done  150 waiting  48/s  ETA 4 s  finishing 12 in flight",
    ],
    [
      at(half, { stage: "abort", inFlight: 12 }),
      79,
      "[############............]  50%  150 done  150 waiting  48/s  ETA 4 s  stopping",
    ],
    [
      at(half, { idleHost: { host: "example.com", until: 12_300, by: "host" } }),
      100,
      "[########........]  50%  150 done  150 waiting  48/s  ETA 4 s  example.com requested a pause of 13 s",
    ],
    [
      at(half, { idleHost: { host: "example.com", until: 12_300, by: "proxies" } }),
      100,
      "[########.........]  50%  150 done  150 waiting  48/s  ETA 4 s  no proxy available, retrying in 13 s",
    ],
  ];

  for (const [progress, columns, line] of rows) assert.equal(formatProgressLine(progress, columns), line);
});

test("a narrow terminal leaves out the least important segments", () => {
  const progress = at({ lines: 300, done: 140, failed: 10, waiting: 150 });
  const lines = [60, 50, 45, 30, 25, 15, 8, 3].map((columns) => formatProgressLine(progress, columns));

  assert.deepEqual(lines, [
    "50%  140 done  10 failed  150 waiting  48/s  ETA 4 s",
    "50%  140 done  10 failed  150 waiting  ETA 4 s",
    "50%  140 done  10 failed  150 waiting",
    "50%  140 done  10 failed",
    "50%  140 done  10 failed",
    "50%  140 done",
    "140 done",
    "50%",
  ]);
});

test("the progress line fits every terminal, and styles change no letter", () => {
  const count = fc.nat(20_000_000);
  fc.assert(
    fc.property(
      fc.record({ done: count, failed: count, skipped: count, unknown: count, waiting: count }),
      fc.integer({ min: -1, max: 300 }),
      fc.string(),
      (counts, columns, host) => {
        const lines = Object.values(counts).reduce((sum, value) => sum + value, 0);
        const progress = foldProgress(at({ ...counts, lines }), {
          type: "host-deferred",
          host,
          until: 5_000,
          reason: "parked",
        });
        const line = formatProgressLine(progress, columns);

        assert.ok(line.length <= Math.max(0, columns), line);
        assert.equal(
          stripVTControlCharacters(formatProgressLine(progress, columns, ansiStyle)),
          stripVTControlCharacters(line),
        );
      },
    ),
  );
});
