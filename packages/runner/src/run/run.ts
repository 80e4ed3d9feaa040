import { systemClock } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import { RunLoop } from "./run-loop.ts";
import { type RunOptions, runDefaults } from "./options.ts";
import type { RunReport } from "../ledger/report.ts";
import { buildReport } from "../output/read-report.ts";
import { openLedger } from "../sqlite/sqlite-ledger.ts";

/**
 * Fetches every line of the input that the directory's ledger has no final outcome for, and records each exactly once.
 * Whatever interrupts it, the same call goes on where it stopped: done rows stay done, failures that a retry might fix
 * and deferrals that are due are taken up again. What was in flight at a crash may be fetched again.
 *
 * @throws LedgerError when the ledger is in use, damaged, or its disk refuses; RangeError or TypeError for wrong options;
 *   and what the input or the listener throws, after what had finished was recorded.
 */
export async function run(options: RunOptions): Promise<RunReport> {
  const {
    clock = systemClock,
    concurrency = runDefaults.concurrency,
    perHost = runDefaults.perHost,
    maxDeferrals = runDefaults.maxDeferrals,
  } = options;
  const settings = {
    concurrency: atLeastOne(concurrency, "concurrency"),
    perHost: atLeastOne(perHost, "perHost"),
    maxDeferrals,
  };
  const maxIdleWait = toMs(options.maxIdleWait ?? runDefaults.maxIdleWait);
  const maxDeferDelay = toMs(options.maxDeferDelay ?? runDefaults.maxDeferDelay);
  const ledger = openLedger(options.directory, { clock });
  try {
    if (options.retryFailed === true) ledger.reopenFailed();
    const startedAt = clock.date();
    const began = clock.now();
    ledger.setRunInfo({ startedAt });
    const end = await new RunLoop({
      ...options,
      ...settings,
      clock,
      maxIdleWait,
      maxDeferDelay,
      ledger,
    }).run();
    ledger.setRunInfo({ startedAt, elapsed: clock.now() - began, ...end });
    return buildReport(ledger);
  } finally {
    ledger.close();
  }
}

function atLeastOne(value: number, name: string): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`${name} must be a whole number of at least 1, got ${value}`);
}
