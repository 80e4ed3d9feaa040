export * from "@holdfast/policy";
export * from "@holdfast/http";
// Both have options for time limits; here the name means a request's.
export type { TimeoutOptions } from "@holdfast/http";
export {
  LedgerError,
  readLines,
  openLedger,
  parseLine,
  readLedger,
  readReport,
  readResults,
  run,
  runDefaults,
  toJsonl,
  writeFiles,
} from "@holdfast/runner";
export type {
  FetchedResponse,
  Fetcher,
  InputLine,
  Job,
  Ledger,
  LedgerReader,
  ParsedLine,
  RunProxyStats,
  ProxyReport,
  ReasonGroup,
  LineResult,
  RunEvent,
  RunOptions,
  RunProxies,
  RunReport,
} from "@holdfast/runner";
