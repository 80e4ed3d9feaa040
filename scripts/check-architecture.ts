import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

interface PackageRule {
  /** The packages that its sources may import; `node:` stands for every built-in module. */
  readonly imports: readonly string[];
  /** The only folder that may import the package named here. */
  readonly only: Readonly<Record<string, string>>;
  /** The root files which, like `index.ts`, put folders together; the other root files are what folders stand on. */
  readonly assemblers: readonly string[];
  /** Which folder may use which other folders. */
  readonly uses: Readonly<Record<string, readonly string[]>>;
  /** Whether `testing/` is an entry of the package; where it isn't, it is part of the package's own tests. */
  readonly publishesTesting: boolean;
}

/** The import rules of every package: `policy ← http ← runner ← holdfast`, and inside one: index → folders → root files. */
export const architecture: Readonly<Record<string, PackageRule>> = {
  policy: {
    imports: [],
    only: {},
    assemblers: [],
    uses: { retry: ["budget"], hedge: ["budget"], plan: ["testing"] },
    publishesTesting: true,
  },
  http: {
    imports: ["@holdfast/policy", "node:", "undici", "tough-cookie", "structured-headers"],
    only: { undici: "transport/", "structured-headers": "retry/dialects/" },
    assemblers: [
      "session.ts",
      "session-defaults.ts",
      "option-checks.ts",
      "adapter.ts",
      "proxy-check.ts",
      "response.ts",
    ],
    uses: { call: ["gates", "proxy", "resume", "retry"], resume: ["retry"], save: ["resume"] },
    publishesTesting: true,
  },
  runner: {
    imports: ["@holdfast/policy", "@holdfast/http", "node:"],
    only: {},
    assemblers: ["runner.ts", "intake.ts"],
    uses: { output: ["sqlite"], report: ["sqlite"] },
    publishesTesting: false,
  },
  holdfast: {
    imports: ["@holdfast/policy", "@holdfast/http", "@holdfast/runner", "node:"],
    only: {},
    assemblers: ["main.ts", "program.ts"],
    uses: { commands: ["render"] },
    publishesTesting: false,
  },
};

/** One line of source which breaks a rule, as `check` prints it. */
export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** An import as it stands in a file: what it names, on which line, and whether it is gone at run time. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly type: boolean;
}

const staticImport =
  /(?:^|;)[ \t]*(?:import|export)(\s+type)?\s*(?:[\w$*{][\w\s$,{}*]*\bfrom\s*)?["']([^"'\n]+)["']/gm;
const dynamicImport = /\bimport()\s*\(\s*["']([^"'\n]+)["']/g;

/** Finds every static, dynamic and type import of `source`, re-exports included, comments left out. */
export function importsOf(source: string): readonly Import[] {
  const code = withoutComments(source);
  return [...code.matchAll(staticImport), ...code.matchAll(dynamicImport)].map((match) => ({
    specifier: match[2] ?? "",
    line: lineAt(code, match.index),
    type: (match[1] ?? "") !== "",
  }));
}

/** Finds each place where `source` reads the wall clock through `new Date()`, which the linter cannot tell from `new Date(ms)`. */
export function clockReadsOf(source: string): readonly number[] {
  const code = withoutComments(source);
  return [...code.matchAll(/\bnew Date\(\s*\)/g)].map((match) => lineAt(code, match.index));
}

/** What stands where in a package: `file` is relative to the package's `src`. */
export interface Use {
  readonly packageName: string;
  readonly file: string;
  readonly specifier: string;
  readonly type?: boolean;
}

/** Says why a file may not import what it imports, or nothing when it may. */
export function forbidden({ packageName, file, specifier, type = false }: Use): string | undefined {
  const rule = architecture[packageName];
  if (rule === undefined)
    return `no rule for packages/${packageName}: add one to scripts/check-architecture.ts`;
  if (!specifier.startsWith(".")) return forbiddenOutside(rule, file, specifier);
  const target = normalize(join(dirname(file), specifier));
  if (target.startsWith("..")) return "imports a file of another package; import the package";
  // A type is gone at run time: root files may name the types of the folders that they describe.
  return type ? undefined : forbiddenInside(rule, file, target);
}

function forbiddenInside(rule: PackageRule, file: string, target: string): string | undefined {
  if (isTest(file) || file === "index.ts" || area(file) === "testing") return undefined;
  if (target === "index.ts") return "imports the index of its own package; import the file that has it";
  if (area(target) === "" || area(target) === area(file) || mayUse(rule, file, area(target)))
    return undefined;
  return area(target) === "testing"
    ? "imports a testing tool into a source"
    : `${area(file) || file} may not use ${area(target)}/: index → folders → root files, never sideways`;
}

function mayUse(rule: PackageRule, file: string, folder: string): boolean {
  const user = area(file);
  if (user === "") return folder !== "testing" && rule.assemblers.includes(file);
  return rule.uses[user]?.includes(folder) === true;
}

function forbiddenOutside(rule: PackageRule, file: string, specifier: string): string | undefined {
  if (isTest(file) || (area(file) === "testing" && !rule.publishesTesting)) return undefined;
  const name = packageOf(specifier);
  const home = rule.only[name];
  if (home !== undefined && !file.startsWith(home)) return `only ${home} imports ${name}`;
  const allowed = rule.imports.includes(name) || (name.startsWith("node:") && rule.imports.includes("node:"));
  return allowed ? misplaced(file, specifier) : `may not import ${specifier}`;
}

function misplaced(file: string, specifier: string): string | undefined {
  if (/^node:test\b/.test(specifier)) return "only tests import node:test";
  if (specifier.endsWith("/testing") && area(file) !== "testing")
    return "imports a testing tool into a source";
  return undefined;
}

/** The package, or built-in module, of an import without its sub-path. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** The first folder of a path inside `src`, empty for a root file. */
function area(file: string): string {
  const slash = file.indexOf("/");
  return slash === -1 ? "" : file.slice(0, slash);
}

function isTest(file: string): boolean {
  return file.endsWith(".test.ts");
}

function lineAt(code: string, index: number): number {
  return code.slice(0, index).split("\n").length;
}

/** Blanks comments and keeps every line break, so that line numbers stay true. */
function withoutComments(source: string): string {
  return source
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, " "))
    .replaceAll(/(^|[\s;{}])\/\/[^\n]*/g, (comment) => comment.replaceAll(/[^\n]/g, " "));
}

function check(path: string): readonly Violation[] {
  const [, packageName = "", , ...rest] = path.split("/");
  const file = rest.join("/");
  const source = readFileSync(path, "utf8");
  const imports = importsOf(source).flatMap(({ specifier, line, type }) => {
    const message = forbidden({ packageName, file, specifier, type });
    return message === undefined ? [] : [{ file: path, line, message }];
  });
  const timeless = !isTest(file) && area(file) !== "testing" && !path.endsWith("policy/src/clock.ts");
  const reads = timeless ? clockReadsOf(source) : [];
  return [
    ...imports,
    ...reads.map((line) => ({ file: path, line, message: "only the clock reads the time" })),
  ];
}

function main(): void {
  const files = globSync("packages/*/src/**/*.ts").toSorted();
  const violations = files.flatMap((file) => check(file));
  for (const { file, line, message } of violations) console.error(`${file}:${line}: ${message}`);
  console.log(`${files.length} files, ${violations.length} violations`);
  if (violations.length > 0 || files.length === 0) process.exitCode = 1;
}

if (import.meta.main) main();
