export type { RunEvent } from "./run/events.ts";
export type { FetchedResponse, Fetcher, FetchFailure, FetchOptions, Verdict } from "./outcome/fetcher.ts";
export type { InputLine, Job, JobRequest, NewJob } from "./ledger/job.ts";
export { isRepeatable } from "./ledger/job.ts";
export type {
  RecordedExchange,
  JobLease,
  Ledger,
  LedgerReader,
  JobOutcome,
  PlanCounts,
  PlannedLine,
  RunInfo,
} from "./ledger/ledger.ts";
export { LedgerError } from "./ledger/ledger.ts";
export type { OutcomeState, RowState, RowStateInput } from "./ledger/state.ts";
export type { PoolProxyStats, RunProxyStats, ProxyReport, ProxyTotals } from "./ledger/proxy-stats.ts";
export type { RunProxies } from "./run/proxy-monitor.ts";
export type { RunOptions } from "./run/options.ts";
export { runDefaults } from "./run/options.ts";
export type { ReasonGroup, RunStatus, RunReport, RunTotals, SampleLine } from "./ledger/report.ts";
export type { LineResult } from "./ledger/result.ts";
export { openLedger, readLedger } from "./sqlite/sqlite-ledger.ts";
export { readLines } from "./input/read-lines.ts";
export { parseLine } from "./input/parse-line.ts";
export type { ParsedLine } from "./input/parse-line.ts";
export { run } from "./run/run.ts";
export { readReport } from "./output/read-report.ts";
export { readResults } from "./output/read-results.ts";
export { toJsonl } from "./output/jsonl.ts";
export type { JsonlOptions } from "./output/jsonl.ts";
export { writeFiles } from "./output/files.ts";
