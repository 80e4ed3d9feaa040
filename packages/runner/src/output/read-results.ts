import { readLedger } from "../sqlite/sqlite-ledger-reader.ts";
import type { LineResult } from "../ledger/result.ts";

/**
 * Yields the result of every line of the run in a directory, in the order in which the lines were first read, also while
 * another process runs it. `headers` and `body` are read from the disk when they are used, also after the
 * iteration.
 *
 * @throws LedgerError when the directory has no ledger, or a body that is read is damaged.
 */
export function* readResults(directory: string): Generator<LineResult, void, undefined> {
  const ledger = readLedger(directory);
  try {
    yield* ledger.results();
  } finally {
    ledger.close();
  }
}
