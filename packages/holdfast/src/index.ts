export * from "@holdfast/policy";
export * from "@holdfast/http";
// Both have options for time limits; here the name means a request's.
export type { TimeoutOptions } from "@holdfast/http";
export {
  LedgerError,
  linesOf,
  openLedger,
  parseLine,
  readLedger,
  readReport,
  results,
  run,
  runDefaults,
  toJsonl,
  writeFiles,
} from "@holdfast/runner";
export type {
  Fetched,
  Fetcher,
  InputLine,
  Job,
  Ledger,
  LedgerReader,
  ParsedLine,
  ProxyFigures,
  ProxyReport,
  ReasonGroup,
  Result,
  RunEvent,
  RunOptions,
  RunProxies,
  RunReport,
} from "@holdfast/runner";
