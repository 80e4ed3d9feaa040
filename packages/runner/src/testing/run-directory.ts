import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { InputLine } from "../ledger/job.ts";

/** Creates an empty directory and removes it after the tests of the file. */
export function makeRunDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-runner-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Returns texts as numbered lines of a list. */
export function numberLines(...texts: readonly string[]): InputLine[] {
  return texts.map((text, index) => ({ line: index + 1, text }));
}
