import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram } from "./support/child.ts";

const root = join(import.meta.dirname, "..");
const sources = await Promise.all(
  globSync("packages/*/src/**/*.ts", { cwd: root, exclude: ["**/*.test.ts"] }).map((path) =>
    readFile(join(root, path), "utf8"),
  ),
);

/** The options of every policy, which docs/reference/policies/README.md explains. */
const common: readonly string[] = ["name", "on"];

/** The interfaces of each page in docs/reference, with the fields that the page explains elsewhere. */
const pages: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "session.md": { SessionOptions: [], RequestOptions: [], TimeoutOptions: [] },
  "retry.md": { RetryInit: ["history"] },
  "attempts.md": { AttemptRecord: [] },
  "hooks.md": { Hooks: [], LogToOptions: [] },
  "runs.md": { RunOptions: [], RunTotals: [], RunReport: [], LineResult: [] },
  "policies/retry.md": { RetryOptions: common },
  "policies/retry-budget.md": { RetryBudgetOptions: ["clock"] },
  "policies/breaker.md": { BreakerOptions: common },
  "policies/bulkhead.md": { BulkheadOptions: common },
  "policies/rate-limit.md": { RateLimitOptions: common },
  "policies/adaptive-concurrency.md": { AdaptiveConcurrencyOptions: common },
  "policies/hedge.md": { HedgeSharedOptions: common },
  "policies/compose.md": { PlanOptions: [] },
  "proxies.md": { ProxyPoolOptions: [], ProxyEntry: ["username", "password"] },
};

/** Returns the names of the fields of an interface, without those of nested types. */
function fieldsOf(name: string): readonly string[] {
  const declaration = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, "m");
  const body = sources.map((source) => declaration.exec(source)?.[1]).find((found) => found !== undefined);
  assert.ok(body !== undefined, `No source declares the interface ${name}`);
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field = ""]) => field);
}

/** Returns the names in the first cells of all tables of a page. */
function namesIn(page: string): ReadonlySet<string> {
  const cells = [...page.matchAll(/^\| ([^|]*) \|/gm)].map(([, cell = ""]) => cell);
  return new Set(
    cells.flatMap((cell) => [...cell.matchAll(/`(\w+)(?:\.\w+)?`/g)].map(([, name = ""]) => name)),
  );
}

for (const [page, interfaces] of Object.entries(pages)) {
  for (const [name, elsewhere] of Object.entries(interfaces)) {
    test(`docs/reference/${page} has a row for every field of ${name}`, async () => {
      const names = namesIn(await readFile(join(root, "docs", "reference", page), "utf8"));

      const missing = fieldsOf(name).filter((field) => !names.has(field) && !elsewhere.includes(field));

      assert.ok(fieldsOf(name).length > 2);
      assert.deepEqual(missing, []);
    });
  }
}

const program = join(root, "packages", "holdfast", "src", "main.ts");

for (const command of ["run", "get", "proxies check", "export", "status"]) {
  test(`docs/reference/program.md has a row for every option of "holdfast ${command}"`, async () => {
    const args = ["--conditions=source", program, ...command.split(" "), "--help"];
    const { stdout } = await runProgram(process.execPath, args, { cwd: root, within: 60_000 });
    const page = await readFile(join(root, "docs", "reference", "program.md"), "utf8");
    const rows = page.split("\n").filter((line) => line.startsWith("| `-"));

    const options = [...stdout.matchAll(/^ {2,}(?:-\w, )?(--[\w-]+)/gm)].map(([, option = ""]) => option);

    assert.ok(options.length > 0);
    assert.deepEqual(
      options.filter((option) => !rows.some((row) => row.includes(`\`${option}\``))),
      [],
    );
  });
}

test("docs/reference/program.md and README.md list every exit code", async () => {
  const source = await readFile(join(root, "packages/holdfast/src/process/exit-codes.ts"), "utf8");
  const [, table = ""] = /exitCodes = \{([^}]*)\}/.exec(source) ?? [];
  const codes = [...table.matchAll(/: (\d+)/g)].map(([, code = ""]) => code);

  for (const path of ["docs/reference/program.md", "README.md"]) {
    const page = await readFile(join(root, path), "utf8");
    const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code = ""]) => code);
    assert.deepEqual(listed, codes, path);
  }
});
