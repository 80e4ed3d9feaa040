import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildPackages } from "../scripts/build.ts";
import { publicEntries } from "../scripts/public-surface.ts";
import { chromiumPath, runInChromium } from "./platforms/browser.ts";
import { bundleSuite } from "./platforms/suite.ts";
import { runProgram, type ProgramResult } from "./support/child.ts";
import { temporaryDirectory, type TemporaryDirectory } from "./support/temporary-directory.ts";

const root = join(import.meta.dirname, "..");
const modules = join(root, "node_modules");
const nodes = join(import.meta.dirname, "platforms", "nodes");

let directory: TemporaryDirectory;

before(async () => {
  await buildPackages();
  directory = await temporaryDirectory("platforms");
  await bundleSuite("node", join(directory.path, "node.mjs"));
  await bundleSuite("browser", join(directory.path, "browser.js"));
});

after(() => directory[Symbol.asyncDispose]());

/** Runs the bundle on one Node and reads the number of tests from the end of its output: `# pass 12`. */
async function runOnNode(
  program: string,
): Promise<{ readonly passed: number; readonly failed: number; readonly log: string }> {
  const args = ["--test-reporter=tap", join(directory.path, "node.mjs")];
  // A test runner inside another test runner prints no readable output.
  const { NODE_TEST_CONTEXT: _inside, ...env } = process.env;
  const { stdout, stderr } = await runProgram(program, args, { env, within: 120_000 });
  const count = (label: string): number =>
    Number(new RegExp(`^# ${label} (\\d+)$`, "m").exec(stdout)?.[1] ?? NaN);
  return { passed: count("pass"), failed: count("fail"), log: stdout + stderr };
}

/** The entries that export something. `register` is imported for its effect. */
const exporting = publicEntries().filter(({ specifier }) => !specifier.endsWith("/register"));

/** Loads these entries of the built packages and prints their number. */
async function loadEntries(program: string): Promise<ProgramResult> {
  const specifiers = JSON.stringify(exporting.map(({ specifier }) => specifier));
  const script = `const entries = await Promise.all(${specifiers}.map((name) => import(name)));
    console.log(entries.filter((entry) => Object.keys(entry).length > 0).length);`;
  const { NODE_OPTIONS: _options, ...env } = process.env;
  return runProgram(program, ["--input-type=module", "--eval", script], { cwd: root, env });
}

async function readVersion(program: string): Promise<string> {
  return (await runProgram(program, ["--version"])).stdout.trim();
}

// npm has one package per Node version and system. platforms/nodes installs those for linux x64.
const isOtherSystem = process.platform !== "linux" || process.arch !== "x64";

for (const major of [22, 26]) {
  const skip =
    isOtherSystem &&
    `needs linux x64, for which npm has Node ${major}; this is ${process.platform} ${process.arch}`;
  test(`the package passes its tests and all built entries load on Node ${major}`, { skip }, async () => {
    const program = join(nodes, "node_modules", `node${major}/bin/node`);
    assert.ok(existsSync(program), `${program} is missing: npm install --prefix test/platforms/nodes`);
    assert.match(await readVersion(program), new RegExp(`^v${major}\\.`));

    const { passed, failed, log } = await runOnNode(program);
    const loaded = await loadEntries(program);

    assert.equal(failed, 0, log);
    assert.ok(passed > 100, log);
    assert.equal(loaded.stdout, `${exporting.length}\n`, loaded.stderr);
  });
}

test("the package passes its tests on the Node of the workspace", async () => {
  assert.match(await readVersion(join(modules, ".bin/node")), /^v24\./);

  const { passed, failed, log } = await runOnNode(process.execPath);

  assert.equal(failed, 0, log);
  assert.ok(passed > 100, log);
});

test("the package passes its tests in Chromium, in a page and in a worker", async () => {
  assert.ok(existsSync(chromiumPath), "Chromium is missing: sudo apt-get install chromium");

  const { page, worker } = await runInChromium(join(directory.path, "browser.js"));

  assert.deepEqual(page.failures, []);
  assert.deepEqual(worker.failures, []);
  assert.ok(page.passed > 100);
  assert.equal(worker.passed, page.passed);
});
