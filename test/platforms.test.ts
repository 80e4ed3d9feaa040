import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromiumPath, runInChromium } from "./platforms/browser.ts";
import { bundleSuite } from "./platforms/suite.ts";
import { runProgram } from "./support/child.ts";
import { temporaryDirectory, type TemporaryDirectory } from "./support/temporary-directory.ts";

const root = join(import.meta.dirname, "..");
const modules = join(root, "node_modules");
const nodes = join(import.meta.dirname, "platforms", "nodes");

let directory: TemporaryDirectory;

before(async () => {
  const built = await runProgram(
    process.execPath,
    [join(modules, "typescript/bin/tsc"), "-b", "packages/policy"],
    { cwd: root },
  );
  assert.equal(built.code, 0, built.stdout);
  directory = await temporaryDirectory("platforms");
  await bundleSuite("node", join(directory.path, "node.mjs"));
  await bundleSuite("browser", join(directory.path, "browser.js"));
});

after(() => directory[Symbol.asyncDispose]());

/** Runs the bundle on one Node and counts its tests, which its runner ends with: `# pass 12`. */
async function runOnNode(
  program: string,
): Promise<{ readonly passed: number; readonly failed: number; readonly log: string }> {
  const args = ["--test-reporter=tap", join(directory.path, "node.mjs")];
  // A test runner that finds itself inside another one says nothing for people to read.
  const { NODE_TEST_CONTEXT: _inside, ...env } = process.env;
  const { stdout, stderr } = await runProgram(program, args, { env, within: 120_000 });
  const count = (what: string): number =>
    Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(stdout)?.[1] ?? NaN);
  return { passed: count("pass"), failed: count("fail"), log: stdout + stderr };
}

async function versionOf(program: string): Promise<string> {
  return (await runProgram(program, ["--version"])).stdout.trim();
}

// npm has the other Nodes as packages for one system each; platforms/nodes asks for those of linux x64.
const elsewhere = process.platform !== "linux" || process.arch !== "x64";

for (const major of [22, 26]) {
  const skip =
    elsewhere && `no Node ${major} from npm for ${process.platform} ${process.arch}: run it on linux x64`;
  test(`the built package passes its tests on Node ${major}`, { skip }, async () => {
    const program = join(nodes, "node_modules", `node${major}/bin/node`);
    assert.ok(existsSync(program), `${program} is missing: npm install --prefix test/platforms/nodes`);
    assert.match(await versionOf(program), new RegExp(`^v${major}\\.`));

    const { passed, failed, log } = await runOnNode(program);

    assert.equal(failed, 0, log);
    assert.ok(passed > 100, log);
  });
}

test("the built package passes its tests on the Node that runs this, which is the workspace's own", async () => {
  assert.match(await versionOf(join(modules, ".bin/node")), /^v24\./);

  const { passed, failed, log } = await runOnNode(process.execPath);

  assert.equal(failed, 0, log);
  assert.ok(passed > 100, log);
});

test("the built package passes its tests in Chromium, in a page and in a worker", async () => {
  assert.ok(existsSync(chromiumPath), "Chromium is missing: sudo apt-get install chromium");

  const { page, worker } = await runInChromium(join(directory.path, "browser.js"));

  assert.deepEqual(page.failures, []);
  assert.deepEqual(worker.failures, []);
  assert.ok(page.passed > 100);
  assert.equal(worker.passed, page.passed);
});
