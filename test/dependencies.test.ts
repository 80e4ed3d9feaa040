import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly allowScripts?: Readonly<Record<string, boolean>>;
}

interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
}

interface Lock {
  readonly packages: Readonly<Record<string, LockEntry>>;
}

function readText(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

const lock = JSON.parse(readText("package-lock.json")) as Lock;
const installed = Object.entries(lock.packages).filter(
  ([path, { link }]) => path.startsWith("node_modules/") && link !== true,
);
const manifests = ["package.json", ...globSync("packages/*/package.json", { cwd: root })].map((file) => ({
  file,
  ...(JSON.parse(readText(file)) as Manifest),
}));

/** Every package that a user of holdfast installs. A new one needs a page in docs/internals/decisions. */
const production = ["structured-headers", "tldts", "tldts-core", "tough-cookie"];

test("every dependency in a manifest has an exact version", () => {
  for (const { file, dependencies, devDependencies, optionalDependencies } of manifests)
    for (const [name, version] of Object.entries({
      ...dependencies,
      ...devDependencies,
      ...optionalDependencies,
    }))
      assert.match(version, /^\d+\.\d+\.\d+(?:-[\w.]+)?$/, `${name} in ${file}`);
});

test("every package in the lock file has a SHA-512 hash, and no source other than the npm registry", () => {
  assert.ok(installed.length > 100);
  for (const [path, { version, resolved, integrity }] of installed) {
    assert.match(version ?? "", /^\d+\.\d+\.\d+/, path);
    // The lock file leaves out the registry (.npmrc). A source in git or at a URL would be stated.
    if (resolved !== undefined) assert.match(resolved, /^https:\/\/registry\.npmjs\.org\//, path);
    assert.match(integrity ?? "", /^sha512-[\w+/]{86}==$/, path);
  }
});

test("production has only the listed packages, and none of them runs a script when it is installed", () => {
  const used = installed.filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true);

  assert.deepEqual(used.map(([path]) => path.replace(/^.*node_modules\//, "")).toSorted(), production);
  for (const [path, { hasInstallScript, optional }] of used) {
    assert.notEqual(hasInstallScript, true, path);
    assert.notEqual(optional, true, path);
  }
});

test("packages of this repository run no script when they are installed", () => {
  for (const { file, scripts = {} } of manifests)
    for (const name of ["preinstall", "install", "postinstall", "prepare", "prepublish"])
      assert.equal(scripts[name], undefined, `${name} in ${file}`);
});

test("every install script of a tool is allowed or refused by name", () => {
  const allowed = manifests.find(({ file }) => file === "package.json")?.allowScripts ?? {};
  const withScript = installed
    .filter(([, { hasInstallScript, optional }]) => hasInstallScript === true && optional !== true)
    .map(([path]) => path.replace(/^.*node_modules\//, ""));

  for (const name of withScript) assert.ok(Object.hasOwn(allowed, name), name);
});
