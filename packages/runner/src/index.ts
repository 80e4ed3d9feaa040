export type { RunEvent } from "./run/events.ts";
export type { Fetched, Fetcher, FetchFailure, FetchOptions, Verdict } from "./outcome/fetcher.ts";
export type { InputLine, Job, JobRequest, NewJob } from "./ledger/job.ts";
export { maySendAgain } from "./ledger/job.ts";
export type {
  Exchange,
  Lease,
  Ledger,
  LedgerReader,
  Outcome,
  Planned,
  PlannedLine,
  RunNote,
  Totals,
} from "./ledger/ledger.ts";
export { LedgerError } from "./ledger/ledger.ts";
export type { Ended, State, StateInput } from "./ledger/state.ts";
export type { PoolFigures, ProxyFigures, ProxyReport, ProxySums } from "./ledger/proxy-stats.ts";
export type { RunProxies } from "./run/proxy-monitor.ts";
export type { RunOptions } from "./run/options.ts";
export { runDefaults } from "./run/options.ts";
export type { ReasonGroup, RunEnd, RunReport, Sample } from "./ledger/report.ts";
export type { Result } from "./ledger/result.ts";
export { openLedger, readLedger } from "./sqlite/sqlite-ledger.ts";
export { linesOf } from "./input/lines.ts";
export { parseLine } from "./input/parse-line.ts";
export type { ParsedLine } from "./input/parse-line.ts";
export { run } from "./run/run.ts";
export { readReport } from "./output/read-report.ts";
export { results } from "./output/results.ts";
export { toJsonl } from "./output/jsonl.ts";
export type { JsonlOptions } from "./output/jsonl.ts";
export { writeFiles } from "./output/files.ts";
