// The entry for the other packages of this repository. It is not documented and may change in any release.
export type { LedgerReader } from "../ledger/ledger.ts";
export { readLedger } from "../sqlite/sqlite-ledger-reader.ts";
