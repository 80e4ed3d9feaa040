import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Check, Meta, Vector } from "./adapter.ts";
import { adapters } from "./adapters.ts";
import { deviationOf, type Deviation, type Place } from "./deviations.ts";

/** A case with another result than the reference, and the difference. */
export interface Failure {
  readonly vector: string;
  readonly difference: string;
}

/** The result of one file; `uncovered` names the sections without an adapter. */
export interface FileReport {
  readonly file: string;
  readonly passed: number;
  readonly deviations: readonly Deviation[];
  readonly failures: readonly Failure[];
  readonly uncovered: readonly string[];
}

/** Plays every `.json` file of a folder, in order of their names. */
export async function runFolder(folder: string): Promise<readonly FileReport[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".json")).toSorted();
  const reports: FileReport[] = [];
  for (const file of files) reports.push(await runFile(folder, file));
  return reports;
}

async function runFile(folder: string, file: string): Promise<FileReport> {
  const adapter = adapters[file];
  if (adapter === undefined) return { file, passed: 0, deviations: [], failures: [], uncovered: [file] };
  const { meta, ...sections } = JSON.parse(await readFile(join(folder, file), "utf8")) as {
    readonly meta: Meta;
  };
  return runSections(file, meta, sections);
}

/** Plays the sections of one file; those without a check are named as uncovered. */
export async function runSections(
  file: string,
  meta: Meta,
  sections: Readonly<Record<string, readonly Vector[]>>,
): Promise<FileReport> {
  const outcomes: Outcome[] = [];
  const uncovered: string[] = [];
  for (const [section, vectors] of Object.entries(sections)) {
    const check = adapters[file]?.[section];
    if (check === undefined) uncovered.push(`${file} ${section}`);
    else
      for (const [index, vector] of vectors.entries()) {
        outcomes.push(await judge(check, { file, section, index, vector, meta }));
      }
  }
  return {
    file,
    passed: outcomes.filter(({ verdict }) => verdict === "passed").length,
    deviations: outcomes.flatMap((outcome) => (outcome.verdict === "deviates" ? [outcome.deviation] : [])),
    failures: outcomes.flatMap((outcome) => (outcome.verdict === "failed" ? [outcome.failure] : [])),
    uncovered,
  };
}

type Outcome =
  | { readonly verdict: "passed" }
  | { readonly verdict: "deviates"; readonly deviation: Deviation }
  | { readonly verdict: "failed"; readonly failure: Failure };

/** A difference counts as a deviation if a rule applies to the case and the behaviour that the rule requires holds. */
async function judge(
  check: Check,
  place: Place & { readonly index: number; readonly meta: Meta },
): Promise<Outcome> {
  const { section, index, vector, meta } = place;
  const difference = await play(check, vector, meta);
  if (difference === undefined) return { verdict: "passed" };
  const deviation = deviationOf(place);
  const still = deviation === undefined ? difference : await play(deviation.instead, vector, meta);
  if (deviation !== undefined && still === undefined) return { verdict: "deviates", deviation };
  return {
    verdict: "failed",
    failure: { vector: `${section} ${vector.id ?? index}`, difference: still ?? difference },
  };
}

async function play(check: Check, vector: Vector, meta: Meta): Promise<string | undefined> {
  try {
    return await check(vector, meta);
  } catch (error) {
    return `threw ${String(error)}`;
  }
}
