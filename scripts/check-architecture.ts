import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

interface PackageRule {
  /** The packages that the sources may import; `node:` stands for every built-in module. */
  readonly imports: readonly string[];
  /** The only folder that may import the package named here. */
  readonly only: Readonly<Record<string, string>>;
  /** The folders of `src` from top to bottom. A folder imports only folders below it, for types as well. */
  readonly layers: readonly string[];
  /** Whether `testing/` is an entry of the package. Otherwise `testing/` belongs to the package's own tests. */
  readonly publishesTesting: boolean;
}

/**
 * The import rules of every package. Between packages: `policy ← http ← proxies`, `policy ← runner`; `holdfast` imports
 * them all. Inside a package: the root holds the entries alone, and each folder is one layer.
 */
export const architecture: Readonly<Record<string, PackageRule>> = {
  policy: {
    imports: [],
    only: {},
    layers: [
      "internal",
      "plan",
      "compose",
      "hedge",
      "fallback",
      "concurrency",
      "bulkhead",
      "breaker",
      "rate",
      "timeout",
      "retry",
      "budget",
      "core",
      "clock",
      "support",
    ],
    publishesTesting: true,
  },
  http: {
    imports: ["@holdfast/policy", "node:", "undici", "tough-cookie", "structured-headers"],
    only: { undici: "transport/", "structured-headers": "retry/dialects/" },
    layers: [
      "internal",
      "session",
      "call",
      "download",
      "resume",
      "adapter",
      "proxy",
      "pacing",
      "retry",
      "auth",
      "telemetry",
      "transport",
      "model",
      "errors",
      "support",
    ],
    publishesTesting: true,
  },
  proxies: {
    imports: ["@holdfast/policy", "@holdfast/http", "node:"],
    only: {},
    layers: ["check", "pool", "state", "rules", "options", "list"],
    publishesTesting: false,
  },
  runner: {
    imports: ["@holdfast/policy", "node:"],
    only: {},
    layers: ["internal", "run", "output", "sqlite", "input", "outcome", "ledger"],
    publishesTesting: false,
  },
  holdfast: {
    imports: ["@holdfast/policy", "@holdfast/http", "@holdfast/proxies", "@holdfast/runner", "node:"],
    only: {},
    layers: ["entries", "program", "commands", "render", "command-line", "process"],
    publishesTesting: false,
  },
};

/** The files that may stand in the root of a package's `src`. */
const entries = ["index.ts", "main.ts"];

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

/** An import to judge: `file` is relative to the package's `src`. */
export interface Use {
  readonly packageName: string;
  readonly file: string;
  readonly specifier: string;
}

/** Returns why a file may not import `specifier`, or nothing when it may. */
export function forbidden({ packageName, file, specifier }: Use): string | undefined {
  const rule = architecture[packageName];
  if (rule === undefined)
    return `no rule for packages/${packageName}: add one to scripts/check-architecture.ts`;
  if (!specifier.startsWith(".")) return forbiddenOutside(rule, file, specifier);
  const target = normalize(join(dirname(file), specifier));
  if (target.startsWith("..")) return "imports a file of another package; import the package";
  return forbiddenInside(rule, file, target);
}

function forbiddenInside(rule: PackageRule, file: string, target: string): string | undefined {
  if (isTest(file) || area(file) === "" || area(file) === "testing") return undefined;
  if (area(target) === "")
    return `imports ${target}, an entry of its own package; import the file that defines it`;
  if (area(target) === "testing") return "imports a testing tool into a source";
  const [from, to] = [rule.layers.indexOf(area(file)), rule.layers.indexOf(area(target))];
  if (to === -1) return `${area(target)}/ is not a layer: add it to scripts/check-architecture.ts`;
  return from <= to ? undefined : `${area(file)}/ is below ${area(target)}/ and may not import it`;
}

/** Returns why a file may not be where it is, or nothing when it may. */
export function misplacedFile(packageName: string, file: string): string | undefined {
  const rule = architecture[packageName];
  if (rule === undefined)
    return `no rule for packages/${packageName}: add one to scripts/check-architecture.ts`;
  if (area(file) === "")
    return entries.includes(file) ? undefined : "stands in the root of src, which holds entries only";
  if (area(file) === "testing" || rule.layers.includes(area(file))) return undefined;
  return `${area(file)}/ is not a layer: add it to scripts/check-architecture.ts`;
}

/** Finds the import circles of a graph: each is the list of files that reach each other. */
export function circlesOf(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = (file: string, edges: (file: string) => readonly string[], into: string[]): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const next of edges(file)) visit(next, edges, into);
    into.push(file);
  };
  for (const file of graph.keys()) visit(file, (from) => graph.get(from) ?? [], order);
  const importers = reversed(graph);
  seen.clear();
  const components = order.toReversed().map((file) => {
    const component: string[] = [];
    visit(file, (to) => importers.get(to) ?? [], component);
    return component;
  });
  return components.filter((component) => component.length > 1).map((component) => component.toSorted());
}

function reversed(graph: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const importers = new Map<string, string[]>();
  for (const [file, targets] of graph)
    for (const target of targets) importers.set(target, [...(importers.get(target) ?? []), file]);
  return importers;
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
  if (specifier.endsWith("/testing") && area(file) !== "testing" && file !== "entries/testing.ts")
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
  const imports = importsOf(source).flatMap(({ specifier, line }) => {
    const message = forbidden({ packageName, file, specifier });
    return message === undefined ? [] : [{ file: path, line, message }];
  });
  const place = misplacedFile(packageName, file);
  const timeless = !isTest(file) && area(file) !== "testing" && path !== "packages/policy/src/clock/clock.ts";
  const reads = timeless ? clockReadsOf(source) : [];
  return [
    ...(place === undefined || isTest(file) ? [] : [{ file: path, line: 1, message: place }]),
    ...imports,
    ...reads.map((line) => ({ file: path, line, message: "only the clock reads the time" })),
  ];
}

/** The relative imports of the sources, without tests. */
function graphOf(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const sources = paths.filter((path) => !isTest(path));
  return new Map(
    sources.map((path) => [
      path,
      importsOf(readFileSync(path, "utf8"))
        .filter(({ specifier }) => specifier.startsWith("."))
        .map(({ specifier }) => normalize(join(dirname(path), specifier)))
        .filter((target) => target !== path),
    ]),
  );
}

function main(): void {
  const files = globSync("packages/*/src/**/*.ts").toSorted();
  const violations = files.flatMap((file) => check(file));
  for (const { file, line, message } of violations) console.error(`${file}:${line}: ${message}`);
  const circles = circlesOf(graphOf(files));
  for (const circle of circles) console.error(`import circle:\n  ${circle.join("\n  ")}`);
  console.log(`${files.length} files, ${violations.length} violations, ${circles.length} circles`);
  if (violations.length > 0 || circles.length > 0 || files.length === 0) process.exitCode = 1;
}

if (import.meta.main) main();
