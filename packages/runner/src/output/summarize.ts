import { redact } from "@holdfast/policy";
import type { ReasonGroup, RunReport, RunTotals } from "../ledger/report.ts";
import type { LineResult } from "../ledger/result.ts";
import type { LineFilter } from "../ledger/where.ts";

const samplesPerReason = 3;

/** Returns the report with the counts and groups of those lines only that the filter chooses. */
export function summarize(
  { removed: _, nextRetryAt: __, ...report }: RunReport,
  results: Iterable<LineResult>,
  where: LineFilter,
): RunReport {
  const totals = { lines: 0, done: 0, failed: 0, skipped: 0, unknown: 0, waiting: 0, attempts: 0, bytes: 0 };
  const groups = new Map<string, ReasonGroup>();
  for (const line of results) {
    if (!where(line)) continue;
    totals.lines += 1;
    totals[toTotal(line.state)] += 1;
    totals.attempts += line.attempts;
    totals.bytes += line.bytes;
    if (line.state !== "done" && line.state !== "pending") addToGroup(groups, line, report.reasons);
  }
  const reasons = [...groups.values()].toSorted((a, b) => b.count - a.count);
  return { ...report, ...totals, removed: 0, reasons };
}

function toTotal(
  state: LineResult["state"],
): keyof Pick<RunTotals, "done" | "failed" | "skipped" | "unknown" | "waiting"> {
  return state === "pending" || state === "deferred" ? "waiting" : state;
}

function addToGroup(
  groups: Map<string, ReasonGroup>,
  { state, reason: text, retryable, line, url }: LineResult,
  reasons: readonly ReasonGroup[],
): void {
  const reason = redact(text.replace(/^duplicate-of-line-.*/, "duplicate"));
  const key = `${state} ${reason} ${retryable}`;
  const advice = reasons.find((each) => each.reason === reason)?.advice ?? "";
  const { count, samples } = groups.get(key) ?? { count: 0, samples: [] };
  const isShown = samples.length < samplesPerReason;
  groups.set(key, {
    state,
    reason,
    advice,
    retryable,
    count: count + 1,
    samples: isShown ? [...samples, { line, url: redact(url) }] : samples,
  });
}
