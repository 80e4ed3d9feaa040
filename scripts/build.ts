import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const packages = ["policy", "http", "proxies", "runner", "holdfast"];

/** What the oldest supported Node runs without a change. */
export const bundleTarget: readonly string[] = ["es2023", "node22"];

/** A package.json, with the fields that the build reads. */
interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly source: string }>>;
  readonly bin?: Readonly<Record<string, string>>;
}

/**
 * Builds all packages into their `dist`: a declaration file for each module, a bundle for each entry, and chunks of what
 * entries share or load later. Does nothing if `dist` is the build of the current sources. Waits for a build in another
 * process.
 */
export async function buildPackages(): Promise<void> {
  using _lock = lockBuild();
  const sources = hashSources();
  if (isBuilt(sources)) return;
  rmSync(stamp, { force: true });
  await compile();
  for (const name of packages) await bundle(name);
  writeFileSync(stamp, sources);
}

/** The hash of the sources of the last build. */
const stamp = join(root, "packages/holdfast/dist/.sources");

/** The lock ends with the process, because it is a transaction. */
function lockBuild(): Disposable {
  const folder = join(root, "node_modules/.cache");
  mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, "holdfast-build.sqlite"), { timeout: 300_000 });
  database.exec("BEGIN EXCLUSIVE");
  return { [Symbol.dispose]: () => database.close() };
}

function hashSources(): string {
  const patterns = [
    "packages/*/src/**/*.ts",
    "packages/*/{package,tsconfig}.json",
    "{tsconfig.base,package-lock}.json",
    "scripts/{build.ts,check-node.js}",
  ];
  const hash = createHash("sha256");
  for (const file of globSync(patterns, { cwd: root }).toSorted())
    if (!file.endsWith(".test.ts")) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function isBuilt(sources: string): boolean {
  return (
    existsSync(stamp) &&
    readFileSync(stamp, "utf8") === sources &&
    packages.every((name) => !existsSync(buildInfo(name)) && existsSync(join(folderOf(name), "dist")))
  );
}

function folderOf(name: string): string {
  return join(root, "packages", name);
}

/** The file in which `tsc -b` records what it wrote. */
function buildInfo(name: string): string {
  return join(folderOf(name), "tsconfig.tsbuildinfo");
}

async function compile(): Promise<void> {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const args = [tsc, "-b", ...packages.map((name) => folderOf(name))];
  try {
    await promisify(execFile)(process.execPath, args, { cwd: root });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`tsc failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/** Replaces the modules that tsc wrote into the `dist` of a package with bundles. */
async function bundle(name: string): Promise<void> {
  const folder = folderOf(name);
  // Without this file a later `tsc -b` writes all modules again, instead of a few modules next to old bundles.
  rmSync(buildInfo(name), { force: true });
  const { outputFiles } = await build({
    entryPoints: entriesOf(folder),
    absWorkingDir: folder,
    outdir: "dist",
    outbase: "src",
    bundle: true,
    // Entries share classes only through shared chunks.
    splitting: true,
    format: "esm",
    platform: "node",
    target: [...bundleTarget],
    packages: "external",
    sourcemap: true,
    chunkNames: "chunks/[name]-[hash]",
    write: false,
    logLevel: "warning",
  });
  mkdirSync(join(folder, "dist/chunks"), { recursive: true });
  for (const { path, text } of outputFiles) writeFileSync(path, restoreClassNames(text));
  checkNodeFirst(folder);
  const kept = new Set([...outputFiles.map(({ path }) => path), ...publicDeclarations(folder)]);
  for (const file of globSync("dist/**/*.*", { cwd: folder }))
    if (!kept.has(join(folder, file)) && !file.endsWith(nodeCheck))
      rmSync(join(folder, file), { force: true });
}

/** esbuild renames classes that name themselves, as in `var Session = class _Session`, and with that `Session.name`. */
function restoreClassNames(code: string): string {
  const renamed = new Set([...code.matchAll(/^var (\w+) = class _\1\b/gm)].map(([, name = ""]) => name));
  return code.replaceAll(/\b_([A-Z]\w*)/g, (word, name: string) => (renamed.has(name) ? name : word));
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Lists the sources of the entries and of the program. */
function entriesOf(folder: string): string[] {
  const { exports, bin = {} } = readManifest(folder);
  const programs = Object.values(bin).map((file) => file.replace("./dist/", "src/").replace(/\.js$/, ".ts"));
  return [...Object.values(exports).map(({ source }) => source.replace("./", "")), ...programs];
}

/** Returns the declaration files that an entry reaches. The others describe parts that no user can name. */
function publicDeclarations(folder: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file) || !existsSync(file)) return;
    reached.add(file);
    for (const [, path = ""] of readFileSync(file, "utf8").matchAll(/(?:from |import\()"(\.[^"]+)"/g))
      visit(join(dirname(file), path.replace(/\.ts$/, ".d.ts")));
  };
  for (const source of entriesOf(folder))
    visit(join(folder, source.replace(/^src/, "dist").replace(/\.ts$/, ".d.ts")));
  return reached;
}

/** The module that ends a program on a Node that is too old, with one sentence. */
const nodeCheck = "check-node.js";

/** The entries that run in browsers as well. */
const portable: ReadonlySet<string> = new Set(["@holdfast/policy", "@holdfast/http/fetch"]);

/** Makes the entries of a package check the version of Node before anything else runs. */
function checkNodeFirst(folder: string): void {
  const { name, exports } = readManifest(folder);
  const check = readFileSync(join(import.meta.dirname, nodeCheck), "utf8");
  writeFileSync(join(folder, "dist", nodeCheck), check);
  for (const [entry, { source }] of Object.entries(exports)) {
    if (portable.has(join(name, entry)) || portable.has(name)) continue;
    const file = join(folder, source.replace("./src", "dist").replace(/\.ts$/, ".js"));
    const path = relative(dirname(file), join(folder, "dist", nodeCheck));
    // On the first line, so that source maps keep their lines.
    const code = readFileSync(file, "utf8");
    writeFileSync(file, `import "${path.startsWith(".") ? path : `./${path}`}"; ${code}`);
  }
}

if (import.meta.main) await buildPackages();
