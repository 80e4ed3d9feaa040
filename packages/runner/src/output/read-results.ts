import { readLedger } from "../sqlite/sqlite-ledger-reader.ts";
import type { LineResult } from "../ledger/result.ts";

/**
 * Gives every row of a directory's ledger in the order in which the lines were first read, also while a run goes on.
 * `headers` and `body` can be read until the iteration moves past the end.
 *
 * @throws LedgerError when there is no ledger, or when a body that is asked for is damaged.
 */
export function* readResults(directory: string): Generator<LineResult, void, undefined> {
  const ledger = readLedger(directory);
  try {
    yield* ledger.results();
  } finally {
    ledger.close();
  }
}
