import { buildProxyReport } from "../ledger/proxy-stats.ts";
import type { LedgerReader } from "../ledger/ledger.ts";
import { readLedger } from "../sqlite/sqlite-ledger-reader.ts";
import type { RunReport } from "../ledger/report.ts";

/** Makes the report of a ledger; its counts come from the rows alone, so that they add up. */
export function buildReport(ledger: LedgerReader): RunReport {
  const note = ledger.runInfo();
  const proxies = ledger.proxyStats();
  return {
    ...ledger.totals(),
    reasons: ledger.reasons(),
    elapsed: note?.elapsed ?? 0,
    status: note?.status ?? "interrupted",
    ...(note?.why !== undefined && { why: note.why }),
    ...(proxies !== undefined && { proxies: buildProxyReport(proxies) }),
  };
}

/**
 * Reads the report of a directory, also while a run is going on in another process.
 *
 * @throws LedgerError when it holds no ledger, or a damaged one.
 */
export function readReport(directory: string): RunReport {
  const ledger = readLedger(directory);
  try {
    return buildReport(ledger);
  } finally {
    ledger.close();
  }
}
