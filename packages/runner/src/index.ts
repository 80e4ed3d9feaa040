export { run } from "./run/run.ts";
export { runDefaults } from "./run/options.ts";
export type { RunInput } from "./run/input-planner.ts";
export type { RunOptions } from "./run/options.ts";
export type { RunEvent } from "./run/events.ts";
export type { HostLimits } from "./run/host-limits.ts";
export type { RunProxies } from "./run/proxy-monitor.ts";
export { readReport } from "./output/read-report.ts";
export { readResults } from "./output/read-results.ts";
export { toJsonl } from "./output/jsonl.ts";
export type { JsonlOptions } from "./output/jsonl.ts";
export { writeFiles } from "./output/files.ts";
export type { WrittenFiles } from "./output/files.ts";
export { ListError } from "./input/list-error.ts";
export { readLines } from "./input/read-lines.ts";
export type { Lines, LineSource } from "./input/read-lines.ts";
export { parseLine } from "./input/parse-line.ts";
export type { ParsedLine } from "./input/parse-line.ts";
export type {
  FetchedResponse,
  Fetcher,
  FetchFailure,
  FetchOptions,
  FetchSuspension,
  FetchWait,
  Verdict,
} from "./outcome/fetcher.ts";
export type { InputLine, Job, JobRequest, NewJob } from "./ledger/job.ts";
export { LedgerError } from "./ledger/ledger.ts";
export type { OtherList, PlanCounts, StateCounts } from "./ledger/list-reading.ts";
export type { JobLease, JobOutcome, RecordedExchange } from "./ledger/ledger.ts";
export type {
  PoolProxyStats,
  ProxyCounters,
  ProxyReport,
  ProxyTotals,
  RunProxyStats,
} from "./ledger/proxy-stats.ts";
export type { ReasonGroup, RunReport, RunStatus, RunTotals, SampleLine } from "./ledger/report.ts";
export type { LineResult } from "./ledger/result.ts";
export { parseWhere } from "./ledger/where.ts";
export type { LineFilter } from "./ledger/where.ts";
export type { OutcomeState, RowState } from "./ledger/state.ts";
