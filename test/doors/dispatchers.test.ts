import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram } from "../support/child.ts";

const program = join(import.meta.dirname, "programs/dispatchers.ts");
const nodes = join(import.meta.dirname, "../platforms/nodes/node_modules");

const isOtherSystem = process.platform !== "linux" || process.arch !== "x64";
const skip = isOtherSystem && "npm has these versions of Node for linux x64 alone";

interface Printed {
  readonly untouched: boolean;
  readonly results: Readonly<Record<string, string>>;
}

async function run(node: string): Promise<Printed> {
  const { NODE_OPTIONS: _options, ...env } = process.env;
  const { stdout, stderr } = await runProgram(node, ["--conditions=source", program], {
    env,
    within: 120_000,
  });
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as Printed;
}

const versions = {
  "this Node": process.execPath,
  "Node 22": `${nodes}/node22/bin/node`,
  "Node 26": `${nodes}/node26/bin/node`,
};

for (const [name, node] of Object.entries(versions)) {
  test(
    `repeats a PUT with its body through the built-in fetch and undici 5 to 8 on ${name}`,
    { skip },
    async () => {
      const { untouched, results } = await run(node);

      const failed = Object.entries(results).filter(([, result]) => result !== "200 whole sent,sent,sent");
      assert.deepEqual(failed, []);
      assert.equal(Object.keys(results).length, 24);
      assert.equal(untouched, true, "importing holdfast must leave the global dispatchers as they are");
    },
  );
}
