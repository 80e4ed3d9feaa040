import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { buildPackages } from "./build.ts";

/**
 * npm runs this script in the folder of a package before and after it packs. A package is published without the condition
 * "source", whose files are not in the tarball, and without scripts. It gets fields that follow from others: `main`, `types` and
 * `typesVersions` for tools that do not read `exports`, and the addresses of the repository.
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
  const { scripts: _, ...own } = JSON.parse(readFileSync(manifest, "utf8")) as Manifest;
  for (const conditions of Object.values(own.exports)) delete conditions.source;
  const published = { ...own, ...entriesForOldTools(own.exports), ...repositoryFields() };
  writeFileSync(manifest, `${JSON.stringify(published, undefined, 2)}\n`);
}

interface Conditions {
  source?: string;
  readonly types: string;
  readonly default: string;
}

interface Manifest {
  readonly scripts: object;
  readonly exports: Readonly<Record<string, Conditions>>;
}

/** Returns `main` and `types` for the entry ".", and `typesVersions` for the others. */
function entriesForOldTools(exports: Manifest["exports"]): object {
  const { ".": root, ...others } = exports;
  const paths = Object.entries(others).map(([name, { types }]) => [name.replace("./", ""), [types]] as const);
  return {
    ...(root !== undefined && { main: root.default, types: root.types }),
    ...(paths.length > 0 && { typesVersions: { "*": Object.fromEntries(paths) } }),
  };
}

/** Returns the addresses of the repository, from that of the workspace. */
function repositoryFields(): object {
  const { repository } = JSON.parse(readFileSync("../../package.json", "utf8")) as {
    readonly repository: { readonly type: string; readonly url: string };
  };
  const page = repository.url.replace(/^git\+/, "").replace(/\.git$/, "");
  const directory = `packages/${basename(process.cwd())}`;
  return {
    repository: { ...repository, directory },
    homepage: `${page}#readme`,
    bugs: `${page}/issues`,
  };
}

const [step] = process.argv.slice(2);
if (step === "prepare") await prepare();
else if (step === "restore") restore();
else throw new Error(`Expected prepare or restore, got ${String(step)}`);
