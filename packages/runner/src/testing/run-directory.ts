import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { InputLine } from "../ledger/job.ts";

/** Makes an empty directory that is removed when the tests of the file have ended. */
export function makeRunDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-runner-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Numbers texts as lines of a list. */
export function numberLines(...texts: readonly string[]): InputLine[] {
  return texts.map((text, index) => ({ line: index + 1, text }));
}
