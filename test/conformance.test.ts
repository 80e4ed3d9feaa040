import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { adapters } from "./conformance/adapters.ts";
import { difference } from "./conformance/compare.ts";
import { deviations } from "./conformance/deviations.ts";
import type { Meta, Vector } from "./conformance/adapter.ts";
import { checkModel } from "./conformance/urllib3-urlopen.ts";
import { runFolder, runSections, type FileReport } from "./conformance/runner.ts";

const vectors = fileURLToPath(new URL("conformance/vectors", import.meta.url));
const program = fileURLToPath(new URL("conformance/main.ts", import.meta.url));
const reports = await runFolder(vectors);

function reportOf(file: string): FileReport | undefined {
  return reports.find((report) => report.file === file);
}

for (const file of Object.keys(adapters)) {
  test(`holdfast matches the reference in every case of ${file}`, () => {
    const report = reportOf(file);

    assert.deepEqual(report?.failures, []);
    assert.deepEqual(report.uncovered, []);
    assert.ok(report.passed > 0);
  });
}

for (const deviation of deviations) {
  test(`still deviates: ${deviation.name}`, () => {
    assert.ok(reports.some((report) => report.deviations.includes(deviation)));
  });
}

test("the urlopen model matches urllib3 in every case while all deviations are off", async () => {
  const file = await readFile(join(vectors, "urllib3-urlopen.json"), "utf8");
  const { meta, cases } = JSON.parse(file) as { readonly meta: Meta; readonly cases: readonly Vector[] };

  const differences = cases.map((vector) => checkModel(vector, meta)).filter((found) => found !== undefined);

  assert.ok(cases.length > 1_000);
  assert.deepEqual(differences, []);
});

test("docs/internals/conformance.md lists exactly the deviations in the code, with their reasons", async () => {
  const page = await readFile(new URL("../docs/internals/conformance.md", import.meta.url), "utf8");

  const [, section = ""] = page.split("| deviation | reason |\n|---|---|\n");
  const rows = section.split("\n\n")[0]?.split("\n") ?? [];

  assert.deepEqual(
    rows,
    deviations.map(({ name, reason }) => `| ${name} | ${reason} |`),
  );
});

test("docs/internals/conformance.md names the adapter of every vector file", async () => {
  const page = await readFile(new URL("../docs/internals/conformance.md", import.meta.url), "utf8");

  const missing = Object.keys(adapters).filter((file) => !page.includes(`| \`${file}\` |`));

  assert.deepEqual(missing, []);
});

test("the runner counts a case with another result as failed, whatever its id", async () => {
  const case_ = { id: "edge-015", strategy: { op: "wait_fixed", wait: 3 }, attempts: [1], seconds: [4] };

  const report = await runSections("tenacity-wait.json", {}, { cases: [case_] });

  assert.deepEqual(report.failures, [
    { vector: "cases edge-015", difference: "attempt 1: expected 4 s, got 3 s" },
  ]);
});

test("the runner fails a case with an unknown strategy, and a case without an expectation", async () => {
  const unknown = { strategy: { op: "wait_moon" }, attempts: [1], seconds: [0] };
  const empty = { strategy: { op: "wait_none" }, attempts: [1] };

  const report = await runSections("tenacity-wait.json", {}, { cases: [unknown, empty] });

  assert.equal(report.passed, 0);
  assert.deepEqual(
    report.failures.map((failure) => failure.difference),
    ["threw Error: no strategy for wait_moon", "attempt 1: the case expects nothing"],
  );
});

test("the runner reports sections without an adapter as not covered", async () => {
  const report = await runSections("tenacity-wait.json", {}, { cases: [], news: [{}] });

  assert.deepEqual(report.uncovered, ["tenacity-wait.json news"]);
});

const comparisons: readonly (readonly [unknown, unknown, string | undefined])[] = [
  [1, 1 + 1e-12, undefined],
  [1, 1 + 1e-6, "it: expected 1, got 1.000001"],
  [0, 1e-300, "it: expected 0, got 1e-300"],
  [[1, [2]], [1, [2]], undefined],
  [[1, [2]], [1, [3]], "1.0: expected 2, got 3"],
  [{ a: null }, { a: undefined }, "a: expected null, got undefined"],
  [{ a: 1 }, { a: 1, b: 2 }, "b: expected undefined, got 2"],
  [[], {}, "it: expected [], got {}"],
  ["3", 3, 'it: expected "3", got 3'],
];

for (const [expected, actual, found] of comparisons) {
  test(`the comparison of ${JSON.stringify(expected)} with ${JSON.stringify(actual)}`, () => {
    assert.equal(difference(expected, actual), found);
  });
}

interface Run {
  readonly code: number | string | null | undefined;
  readonly lines: readonly string[];
}

async function runProgram(files: Readonly<Record<string, unknown>>): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  try {
    for (const [name, content] of Object.entries(files))
      await writeFile(join(folder, name), JSON.stringify(content));
    return await new Promise((resolve) => {
      const args = ["--conditions=source", program, "--dir", folder];
      execFile(process.execPath, args, (error, stdout) =>
        resolve({ code: error === null ? 0 : error.code, lines: stdout.trimEnd().split("\n") }),
      );
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const right = { strategy: { op: "wait_fixed", wait: 3 }, attempts: [1], seconds: [3] };
const wrong = { ...right, seconds: [4] };
const refused = { strategy: { op: "wait_exponential", multiplier: -1 }, attempts: [1], seconds: [0] };

test("the conformance program prints its counts and exits with 0 if no case failed", async () => {
  const { code, lines } = await runProgram({
    "tenacity-wait.json": { meta: {}, cases: [right, refused] },
    "moon.json": { meta: {}, cases: [right] },
  });

  assert.deepEqual(lines, [
    "moon.json: not covered",
    "tenacity-wait.json: 1 passed, 0 failed, 1 deviations",
    "1 deviations",
    "1 passed, 0 failed",
  ]);
  assert.equal(code, 0);
});

test("the conformance program exits with 1 if a case failed", async () => {
  const { code, lines } = await runProgram({ "tenacity-wait.json": { meta: {}, cases: [right, wrong] } });

  assert.equal(lines.at(-1), "1 passed, 1 failed");
  assert.equal(code, 1);
});

test("the conformance program fails for a folder in which no file is covered", async () => {
  const { code, lines } = await runProgram({ "moon.json": { meta: {}, cases: [right] } });

  assert.equal(lines.at(-1), "0 passed, 0 failed");
  assert.equal(code, 1);
});
