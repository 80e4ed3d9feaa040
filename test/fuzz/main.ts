// The long mode: npm run fuzz:long [-- minutes per target [name of a target [seed]]]
import { httpTargets } from "./http-targets.ts";
import { listTargets } from "./list-targets.ts";
import { fuzz } from "./target.ts";

const [minutes = "10", name, seed] = process.argv.slice(2);
const targets = [...httpTargets, ...listTargets].filter(
  (target) => name === undefined || target.name === name,
);
if (targets.length === 0) throw new Error(`Expected the name of a target, got ${JSON.stringify(name)}`);

for (const target of targets) {
  const run = { milliseconds: Number(minutes) * 60_000, ...(seed !== undefined && { seed: Number(seed) }) };
  try {
    console.log(`${target.name}: ${await fuzz(target, run)} inputs`);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}
