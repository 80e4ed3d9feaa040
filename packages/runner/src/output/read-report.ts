import { redact } from "@holdfast/policy";
import { buildProxyReport } from "../ledger/proxy-stats.ts";
import type { LedgerReader } from "../ledger/ledger.ts";
import { readLedger } from "../sqlite/sqlite-ledger-reader.ts";
import type { ReasonGroup, RunReport } from "../ledger/report.ts";

/** Returns the report of a ledger. The counts come from the rows, so that they add up. */
export function buildReport(ledger: LedgerReader): RunReport {
  const info = ledger.runInfo();
  const proxies = ledger.proxyStats();
  return {
    ...ledger.totals(),
    reasons: ledger.reasons().map(hideSecrets),
    elapsed: info?.elapsed ?? 0,
    status: info?.status ?? "interrupted",
    ...(info?.why !== undefined && { why: redact(info.why) }),
    ...(proxies !== undefined && { proxies: buildProxyReport(proxies) }),
  };
}

/** A report is shown, logged and sent. Only the ledger and the exported results have each URL as it was. */
function hideSecrets({ reason, samples, ...group }: ReasonGroup): ReasonGroup {
  return {
    ...group,
    reason: redact(reason),
    samples: samples.map(({ line, url }) => ({ line, url: redact(url) })),
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
