import { setImmediate as nextTurn } from "node:timers/promises";
import type { InputLine } from "../ledger/job.ts";
import { run } from "../run/run.ts";
import { fakeResponse, scriptedFetcher } from "./scripted-fetcher.ts";

/** The number of lines in the list of the run that is killed. Every tenth fails for good, every hundredth is a duplicate. */
export const killedRunLines = 6_000;

/** Returns the URL of a line of that list. */
export function killedRunUrl(line: number): string {
  const n = line % 100 === 0 ? line - 1 : line;
  return `https://host${n % 7}.example/${n % 10 === 5 ? 404 : 200}/${n}`;
}

function* list(): Generator<InputLine> {
  for (let line = 1; line <= killedRunLines; line += 1) yield { line, text: killedRunUrl(line) };
}

const [directory] = process.argv.slice(2);
if (import.meta.main && directory !== undefined) {
  const session = scriptedFetcher(async ({ url }) => {
    await nextTurn();
    return fakeResponse(url, { status: Number(url.split("/")[3]), body: `${url} `.repeat(100) });
  });
  await run({
    directory,
    session,
    input: list(),
    on: ({ type }) => type === "progress" && process.stdout.write("."),
  });
}
