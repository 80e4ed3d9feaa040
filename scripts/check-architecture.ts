import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

interface PackageRule {
  /** The packages, or single entries of them, that the sources may import. `node:` allows every built-in module. */
  readonly imports: readonly string[];
  /** Maps a package to the only folder that may import it. */
  readonly only: Readonly<Record<string, string>>;
  /** The folders of `src` from top to bottom. A folder imports only from folders below it; types count too. */
  readonly layers: readonly string[];
  /** The same for the folders and files inside of a layer, by the layer. */
  readonly sublayers?: Readonly<Record<string, readonly string[]>>;
  /** Whether `testing/` is an entry of the package. Otherwise it contains helpers of the package's own tests. */
  readonly publishesTesting: boolean;
}

/**
 * The import rules of all packages. Between packages: `policy ← http ← proxies`, `policy ← runner`; `runner` also
 * imports the files of `http`; `holdfast` imports
 * them all. Inside a package, the root contains only the entries, and each folder is one layer.
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
    imports: ["@holdfast/policy", "node:", "tough-cookie", "structured-headers"],
    only: { "structured-headers": "retry/dialects/" },
    layers: [
      "internal",
      "register",
      "axios",
      "got",
      "undici",
      "session",
      "dispatch",
      "platform-fetch",
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
      "files",
      "errors",
      "support",
    ],
    sublayers: {
      transport: [
        "validate-options.ts",
        "transport.ts",
        "exchange",
        "pool",
        "http1",
        "connect",
        "http2",
        "tunnel",
        "decode",
        "wire",
        "errors",
        "proxy-url.ts",
        "timeouts.ts",
      ],
    },
    publishesTesting: true,
  },
  proxies: {
    imports: ["@holdfast/policy", "@holdfast/http", "node:"],
    only: {},
    layers: ["check", "pool", "state", "options", "rules", "list"],
    publishesTesting: false,
  },
  runner: {
    imports: ["@holdfast/policy", "@holdfast/http/internal/files", "node:"],
    only: {},
    layers: ["internal", "run", "output", "sqlite", "input", "outcome", "ledger", "host"],
    publishesTesting: false,
  },
  holdfast: {
    imports: ["@holdfast/policy", "@holdfast/http", "@holdfast/proxies", "@holdfast/runner", "node:"],
    only: {},
    layers: ["entries", "program", "commands", "render", "command-line", "process"],
    publishesTesting: false,
  },
};

/** The files that may be in the root of a package's `src`. */
const entries = ["index.ts", "main.ts"];

/** A line of source that breaks a rule. */
export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** An import of a file: its specifier, its line, and whether it is a type import. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly type: boolean;
}

const staticImport =
  /(?:^|;)[ \t]*(?:import|export)(\s+type)?\s*(?:[\w$*{][\w\s$,{}*]*\bfrom\s*)?["']([^"'\n]+)["']/gm;
const dynamicImport = /\bimport()\s*\(\s*["']([^"'\n]+)["']/g;

/** Returns every static, dynamic and type import of `source`, including re-exports. Skips comments. */
export function findImports(source: string): readonly Import[] {
  const code = blankComments(source);
  return [...code.matchAll(staticImport), ...code.matchAll(dynamicImport)].map((match) => ({
    specifier: match[2] ?? "",
    line: countLine(code, match.index),
    type: (match[1] ?? "") !== "",
  }));
}

/** Returns the lines on which `source` reads the clock with `new Date()`. The linter cannot distinguish it from `new Date(ms)`. */
export function findClockReads(source: string): readonly number[] {
  const code = blankComments(source);
  return [...code.matchAll(/\bnew Date\(\s*\)/g)].map((match) => countLine(code, match.index));
}

/** An import to check. `file` is relative to the package's `src`. */
export interface CheckedImport {
  readonly packageName: string;
  readonly file: string;
  readonly specifier: string;
}

/** Returns why a file may not import `specifier`, or undefined if it may. */
export function explainForbiddenImport({ packageName, file, specifier }: CheckedImport): string | undefined {
  const rule = architecture[packageName];
  if (rule === undefined)
    return `no rule for packages/${packageName}: add one to scripts/check-architecture.ts`;
  if (!specifier.startsWith(".")) return explainForbiddenOutside(rule, file, specifier);
  const target = normalize(join(dirname(file), specifier));
  if (target.startsWith("..")) return "imports a file of another package; import the package";
  return explainForbiddenInside(rule, file, target);
}

function explainForbiddenInside(rule: PackageRule, file: string, target: string): string | undefined {
  if (isTest(file) || toFolder(file) === "" || toFolder(file) === "testing") return undefined;
  if (toFolder(target) === "")
    return `imports ${target}, an entry of its own package; import the file that defines it`;
  if (toFolder(target) === "testing") return "imports a testing tool into a source";
  const [from, to] = [rule.layers.indexOf(toFolder(file)), rule.layers.indexOf(toFolder(target))];
  if (to === -1) return `${toFolder(target)}/ is not a layer: add it to scripts/check-architecture.ts`;
  if (from > to) return `${toFolder(file)}/ is below ${toFolder(target)}/ and may not import it`;
  return from === to ? explainForbiddenInsideLayer(rule, file, target) : undefined;
}

function explainForbiddenInsideLayer(rule: PackageRule, file: string, target: string): string | undefined {
  const layer = toFolder(file);
  const sublayers = rule.sublayers?.[layer];
  if (sublayers === undefined) return undefined;
  const [from = "", to = ""] = [file, target].map((path) => path.split("/")[1]);
  if (!sublayers.includes(to))
    return `${layer}/${to} is not a layer: add it to scripts/check-architecture.ts`;
  return sublayers.indexOf(from) <= sublayers.indexOf(to)
    ? undefined
    : `${layer}/${from} is below ${layer}/${to} and may not import it`;
}

/** Returns why a file may not be in its folder, or undefined if it may. */
export function explainMisplacedFile(packageName: string, file: string): string | undefined {
  const rule = architecture[packageName];
  if (rule === undefined)
    return `no rule for packages/${packageName}: add one to scripts/check-architecture.ts`;
  if (toFolder(file) === "")
    return entries.includes(file)
      ? undefined
      : "is in the root of src, which holds entries only: move it into a folder";
  if (toFolder(file) === "testing" || rule.layers.includes(toFolder(file))) return undefined;
  return `${toFolder(file)}/ is not a layer: add it to scripts/check-architecture.ts`;
}

/** Returns the import circles of a graph. Each circle is a list of files that import each other. */
export function findCircles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = (file: string, edges: (file: string) => readonly string[], into: string[]): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const next of edges(file)) visit(next, edges, into);
    into.push(file);
  };
  for (const file of graph.keys()) visit(file, (from) => graph.get(from) ?? [], order);
  const importers = reverseGraph(graph);
  seen.clear();
  const components = order.toReversed().map((file) => {
    const component: string[] = [];
    visit(file, (to) => importers.get(to) ?? [], component);
    return component;
  });
  return components.filter((component) => component.length > 1).map((component) => component.toSorted());
}

function reverseGraph(graph: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const importers = new Map<string, string[]>();
  for (const [file, targets] of graph)
    for (const target of targets) importers.set(target, [...(importers.get(target) ?? []), file]);
  return importers;
}

function explainForbiddenOutside(rule: PackageRule, file: string, specifier: string): string | undefined {
  if (isTest(file) || (toFolder(file) === "testing" && !rule.publishesTesting)) return undefined;
  const name = toPackageName(specifier);
  const home = rule.only[name];
  if (home !== undefined && !file.startsWith(home)) return `only ${home} imports ${name}`;
  const allowed =
    [name, specifier].some((each) => rule.imports.includes(each)) ||
    (name.startsWith("node:") && rule.imports.includes("node:"));
  return allowed ? explainTestTool(file, specifier) : `may not import ${specifier}`;
}

function explainTestTool(file: string, specifier: string): string | undefined {
  if (/^node:test\b/.test(specifier)) return "only tests import node:test";
  if (specifier.endsWith("/testing") && toFolder(file) !== "testing" && file !== "entries/testing.ts")
    return "imports a testing tool into a source";
  return undefined;
}

/** Returns the package or built-in module of a specifier, without its subpath. */
function toPackageName(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Returns the first folder of a path inside `src`; empty for a file in the root. */
function toFolder(file: string): string {
  const slash = file.indexOf("/");
  return slash === -1 ? "" : file.slice(0, slash);
}

function isTest(file: string): boolean {
  return file.endsWith(".test.ts");
}

function countLine(code: string, index: number): number {
  return code.slice(0, index).split("\n").length;
}

/** Replaces comments by spaces. Keeps line breaks, so that line numbers stay correct. */
function blankComments(source: string): string {
  return source
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, " "))
    .replaceAll(/(^|[\s;{}])\/\/[^\n]*/g, (comment) => comment.replaceAll(/[^\n]/g, " "));
}

function checkFile(path: string): readonly Violation[] {
  const [, packageName = "", , ...rest] = path.split("/");
  const file = rest.join("/");
  const source = readFileSync(path, "utf8");
  const imports = findImports(source).flatMap(({ specifier, line }) => {
    const message = explainForbiddenImport({ packageName, file, specifier });
    return message === undefined ? [] : [{ file: path, line, message }];
  });
  const place = explainMisplacedFile(packageName, file);
  const mustUseClock =
    !isTest(file) && toFolder(file) !== "testing" && path !== "packages/policy/src/clock/clock.ts";
  const reads = mustUseClock ? findClockReads(source) : [];
  return [
    ...(place === undefined || isTest(file) ? [] : [{ file: path, line: 1, message: place }]),
    ...imports,
    ...reads.map((line) => ({ file: path, line, message: "reads the time: take a Clock as a parameter" })),
  ];
}

/** Returns the relative imports of all sources, without tests. */
function readGraph(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const sources = paths.filter((path) => !isTest(path));
  return new Map(
    sources.map((path) => [
      path,
      findImports(readFileSync(path, "utf8"))
        .filter(({ specifier }) => specifier.startsWith("."))
        .map(({ specifier }) => normalize(join(dirname(path), specifier)))
        .filter((target) => target !== path),
    ]),
  );
}

function main(): void {
  const files = globSync("packages/*/src/**/*.ts").toSorted();
  const violations = files.flatMap((file) => checkFile(file));
  for (const { file, line, message } of violations) console.error(`${file}:${line}: ${message}`);
  const circles = findCircles(readGraph(files));
  for (const circle of circles) console.error(`import circle:\n  ${circle.join("\n  ")}`);
  console.log(`${files.length} files, ${violations.length} violations, ${circles.length} circles`);
  if (violations.length > 0 || circles.length > 0 || files.length === 0) process.exitCode = 1;
}

if (import.meta.main) main();
