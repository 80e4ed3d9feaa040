import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { buildPackages } from "./build.ts";

/**
 * npm runs this script in the folder of a package before and after it packs. A package is published without the condition
 * "source", whose files are not in the tarball, and without scripts.
 */
const manifest = "package.json";
const original = "package.json.original";

function restore(): void {
  if (existsSync(original)) renameSync(original, manifest);
}

async function prepare(): Promise<void> {
  restore();
  await buildPackages();
  copyFileSync(manifest, original);
  const { scripts: _, ...published } = JSON.parse(readFileSync(manifest, "utf8")) as {
    readonly scripts: object;
    readonly exports: Readonly<Record<string, { source?: string }>>;
  };
  for (const conditions of Object.values(published.exports)) delete conditions.source;
  writeFileSync(manifest, `${JSON.stringify(published, undefined, 2)}\n`);
}

const [step] = process.argv.slice(2);
if (step === "prepare") await prepare();
else if (step === "restore") restore();
else throw new Error(`Expected prepare or restore, got ${String(step)}`);
