import { buildProxyReport } from "../ledger/proxy-stats.ts";
import type { LedgerReader } from "../ledger/ledger.ts";
import { readLedger } from "../sqlite/sqlite-ledger-reader.ts";
import type { RunReport } from "../ledger/report.ts";

/** Returns the report of a ledger. The counts come from the rows, so that they add up. */
export function buildReport(ledger: LedgerReader): RunReport {
  const info = ledger.runInfo();
  const proxies = ledger.proxyStats();
  return {
    ...ledger.totals(),
    reasons: ledger.reasons(),
    elapsed: info?.elapsed ?? 0,
    status: info?.status ?? "interrupted",
    ...(info?.why !== undefined && { why: info.why }),
    ...(proxies !== undefined && { proxies: buildProxyReport(proxies) }),
  };
}

/**
 * Returns the report of the run in a directory, also while another process runs it.
 *
 * @throws LedgerError when the directory has no ledger, or a damaged one.
 */
export function readReport(directory: string): RunReport {
  const ledger = readLedger(directory);
  try {
    return buildReport(ledger);
  } finally {
    ledger.close();
  }
}
