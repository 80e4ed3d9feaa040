// The entry for the other packages of this repository. It is not documented and may change in any release.
export type { Ledger, LedgerReader } from "../ledger/ledger.ts";
export { Lines } from "../input/read-lines.ts";
export { buildReport } from "../output/read-report.ts";
export { summarize } from "../output/summarize.ts";
export { runLedger } from "../run/run.ts";
export { filterLines } from "../ledger/where.ts";
export { openLedger } from "../sqlite/sqlite-ledger.ts";
export { readLedger } from "../sqlite/sqlite-ledger-reader.ts";
