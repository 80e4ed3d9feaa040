import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyPool } from "@holdfast/proxies";
import type { PoolProxyStats, ReasonGroup, RunReport } from "@holdfast/runner";
import { formatEquation, nextSteps, renderReport, quoteForShell } from "./report.ts";

const complete: RunReport = {
  lines: 300,
  removed: 0,
  done: 300,
  failed: 0,
  skipped: 0,
  unknown: 0,
  waiting: 0,
  attempts: 431,
  bytes: 5_900_000,
  elapsed: 12_300,
  reasons: [],
  status: "complete",
};
const notFound: ReasonGroup = {
  state: "failed",
  reason: "http-404",
  advice: "The URL is wrong",
  count: 7,
  retryable: false,
  samples: [
    { line: 3, url: "https://example.com/a" },
    { line: 117, url: "https://user:secret@example.com/\u001b[2J" },
  ],
};
const timedOut: ReasonGroup = {
  state: "failed",
  reason: "timeout-read",
  advice: "",
  count: 1,
  retryable: true,
  samples: [{ line: 9, url: "https://example.com/slow" }],
};
const pending: ReasonGroup = {
  state: "pending",
  reason: "",
  advice: "",
  count: 2,
  retryable: true,
  samples: [],
};
const rendering = { directory: "results", resume: "holdfast run urls.txt -o results", date: 0 };

test("the report of a complete run has four lines", () => {
  assert.equal(
    renderReport(complete, rendering),
    `300 of 300 lines fetched (431 attempts, 5.9 MB, 12.3 s)
  lines 300 = done 300 + failed 0 + skipped 0 + unknown 0 + waiting 0

Results   results (holdfast export results -o results.jsonl)
`,
  );
});

test("the report groups failures by reason, with advice and example lines", () => {
  const report: RunReport = {
    ...complete,
    done: 290,
    failed: 8,
    waiting: 2,
    reasons: [notFound, pending, timedOut],
    status: "drained",
  };

  assert.equal(
    renderReport(report, rendering),
    `Interrupted: 290 of 300 lines fetched (431 attempts, 5.9 MB, 12.3 s)
  lines 300 = done 290 + failed 8 + skipped 0 + unknown 0 + waiting 2

7 failed: http-404 (permanent)
  The URL is wrong
  line   3  https://example.com/a
  line 117  https://***@example.com/\\u{1b}[2J
  and 5 more

1 failed: timeout-read (a retry may succeed)
  line 9  https://example.com/slow

Results   results (holdfast export results -o results.jsonl)
Continue  holdfast run urls.txt -o results
`,
  );
});

test("the report of a run without proxies left has the reason and a table of proxies", () => {
  const [idle]: readonly PoolProxyStats[] = new ProxyPool(["http://10.0.0.1:8080"]).stats().proxies;
  assert.ok(idle !== undefined);
  const report: RunReport = {
    ...complete,
    done: 290,
    waiting: 10,
    status: "no-proxy",
    why: "No proxy is left: all 2 are out of use (1 proxy-auth, 1 retired for proxy)",
    proxies: {
      totals: { ...idle, proxies: 2, requests: 302, successes: 290 },
      byProxy: [{ ...idle, requests: 2 }],
    },
  };

  assert.equal(
    renderReport(report, rendering),
    `Stopped, no proxy left: 290 of 300 lines fetched (431 attempts, 5.9 MB, 12.3 s)
  lines 300 = done 290 + failed 0 + skipped 0 + unknown 0 + waiting 10
  No proxy is left: all 2 are out of use (1 proxy-auth, 1 retired for proxy)

Proxies   2 (1 available): 302 requests, 290 ok, 0 blocked, 0 B
  proxy                 requests  ok  blocked  limited  failed  cooldowns  bytes  state
  http://10.0.0.1:8080         2   0        0        0       0          0    0 B  available

Results   results (holdfast export results -o results.jsonl)
Continue  holdfast run urls.txt -o results
`,
  );
});

test("formatEquation names every term", () => {
  const report: RunReport = {
    ...complete,
    lines: 1_006,
    removed: 0,
    done: 1_000,
    failed: 1,
    skipped: 2,
    unknown: 1,
    waiting: 2,
  };

  assert.equal(
    formatEquation(report),
    "lines 1,006 = done 1,000 + failed 1 + skipped 2 + unknown 1 + waiting 2",
  );
});

test("nextSteps continues open lines, then retries failed lines, then suggests nothing", () => {
  const rows: readonly (readonly [Partial<RunReport>, readonly string[]])[] = [
    [{}, []],
    [{ waiting: 2 }, ["Continue  holdfast run urls.txt -o results"]],
    [
      { waiting: 2, nextRetryAt: 90_000 },
      ["Continue  holdfast run urls.txt -o results (first retry possible in 1 min 30 s)"],
    ],
    [{ waiting: 2, nextRetryAt: 0 }, ["Continue  holdfast run urls.txt -o results"]],
    [{ reasons: [timedOut, notFound] }, ["Continue  holdfast run urls.txt -o results"]],
    [{ reasons: [notFound] }, ["Retry     holdfast run urls.txt -o results --retry-failed"]],
    [{ reasons: [{ ...notFound, reason: "bad-input: no http:// or https:// in front" }] }, []],
    [{ waiting: 2, status: "running" }, []],
  ];

  for (const [changes, steps] of rows)
    assert.deepEqual(nextSteps({ ...complete, ...changes }, rendering), steps);
});

test("quoteForShell quotes a word that the shell would change", () => {
  assert.equal(quoteForShell("it's"), "'it'\\''s'");
  assert.equal(quoteForShell(""), "''");
});

test("the report shows the lines that are no longer in the list beside the equation", () => {
  const shown = renderReport({ ...complete, removed: 3 }, rendering);

  assert.match(shown, /waiting 0\n {2}3 lines are no longer in the list\n/);
});
