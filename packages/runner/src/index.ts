export type { RunEvent } from "./events.ts";
export type { Fetched, Fetcher, FetchFailure, FetchOptions, Verdict } from "./fetcher.ts";
export type { InputLine, Job, JobRequest, NewJob } from "./job.ts";
export { maySendAgain } from "./job.ts";
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
} from "./ledger.ts";
export { LedgerError } from "./ledger.ts";
export type { Ended, State, StateInput } from "./state.ts";
export type { PoolFigures, ProxyFigures, ProxyReport, ProxySums } from "./proxy-figures.ts";
export type { RunProxies } from "./proxy-watch.ts";
export type { RunOptions } from "./options.ts";
export { runDefaults } from "./options.ts";
export type { ReasonGroup, RunEnd, RunReport, Sample } from "./report/report.ts";
export type { Result } from "./output/result.ts";
export { openLedger, readLedger } from "./sqlite/sqlite-ledger.ts";
export { linesOf } from "./input/lines.ts";
export { parseLine } from "./input/parse-line.ts";
export type { ParsedLine } from "./input/parse-line.ts";
export { run } from "./runner.ts";
export { readReport } from "./report/summary.ts";
export { results } from "./output/results.ts";
export { toJsonl } from "./output/jsonl.ts";
export type { JsonlOptions } from "./output/jsonl.ts";
export { writeFiles } from "./output/files.ts";
