import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");

/** The folder of the lists that `test/exports.test.ts` compares with the build. */
export const listsFolder: string = join(root, "test/exports");

/** A public entry of a package, such as `holdfast/http`. */
export interface Entry {
  readonly specifier: string;
  /** The absolute path of its built declaration file. */
  readonly file: string;
}

/** A name and the declaration file that declares it. */
export interface Declared {
  readonly file: string;
  readonly name: string;
  /** Whether `export type` on the way leaves only the type of a class or a value. */
  readonly typeOnly: boolean;
}

interface Declaration {
  readonly kind: "type" | "value";
  readonly text: string;
}

/** A name from another module, or from the same one where `specifier` is undefined. */
interface Reference {
  readonly specifier: string | undefined;
  readonly name: string;
  readonly typeOnly: boolean;
}

/** The parts of a declaration file that the walk needs. */
interface Module {
  readonly declarations: Map<string, Declaration>;
  readonly imports: Map<string, Reference>;
  readonly exports: Map<string, Reference>;
  /** The modules of `export * from`. */
  readonly stars: Omit<Reference, "name">[];
}

/** Lists the public entries of all packages; `./internal` and what is below it are not public. */
export function publicEntries(): readonly Entry[] {
  return entriesOfPackages().filter(({ specifier }) => !`${specifier}/`.includes("/internal/"));
}

/** Lists the entries that have a list: the subpaths of `holdfast` export the same as the packages they stand for. */
export function listedEntries(): readonly Entry[] {
  return publicEntries().filter(({ specifier }) => !specifier.startsWith("holdfast/"));
}

function entriesOfPackages(): readonly Entry[] {
  return globSync("packages/*/package.json", { cwd: root })
    .toSorted()
    .flatMap((path) => {
      const { name, exports } = JSON.parse(readFileSync(join(root, path), "utf8")) as {
        readonly name: string;
        readonly exports: Readonly<Record<string, { readonly types: string }>>;
      };
      return Object.entries(exports).map(([subpath, { types }]) => ({
        specifier: name + subpath.slice(1),
        file: join(root, dirname(path), types),
      }));
    });
}

const modules = new Map<string, Module>();

function moduleAt(file: string): Module {
  const known = modules.get(file) ?? parseDeclarations(readFileSync(file, "utf8"));
  modules.set(file, known);
  return known;
}

/** Parses a declaration file as tsc prints it: every statement begins in the first column. */
function parseDeclarations(source: string): Module {
  const module: Module = { declarations: new Map(), imports: new Map(), exports: new Map(), stars: [] };
  for (const statement of splitStatements(withoutComments(source)))
    if (!addNameList(module, statement) && !addStar(module, statement)) addDeclaration(module, statement);
  return module;
}

function addNameList({ imports, exports }: Module, statement: string): boolean {
  const [, keyword, type, list = "", specifier] =
    /^(import|export)\s+(type\s+)?\{([^}]*)\}(?:\s*from\s*"([^"]+)")?/.exec(statement) ?? [];
  const into = keyword === "import" ? imports : exports;
  for (const part of list.split(",")) {
    const [, ownType, name, as = name] = /^\s*(type )?(\w+)(?: as (\w+))?\s*$/.exec(part) ?? [];
    const typeOnly = type !== undefined || ownType !== undefined;
    if (name !== undefined && as !== undefined) into.set(as, { specifier, name, typeOnly });
  }
  return keyword !== undefined;
}

function addStar({ stars }: Module, statement: string): boolean {
  const [, type, specifier] = /^export\s+(type\s+)?\*\s+from\s+"([^"]+)"/.exec(statement) ?? [];
  if (specifier === undefined) return false;
  stars.push({ specifier, typeOnly: type !== undefined });
  return true;
}

function addDeclaration({ declarations, exports }: Module, statement: string): void {
  const [, exported, kind = "", name] =
    /^(export )?(?:declare )?(?:abstract )?(interface|type|class|function|const|enum) (\w+)/.exec(
      statement,
    ) ?? [];
  if (name === undefined) return;
  // The overloads of a function are one declaration.
  const text = `${declarations.get(name)?.text ?? ""}${statement}`;
  declarations.set(name, { kind: kind === "interface" || kind === "type" ? "type" : "value", text });
  if (exported !== undefined) exports.set(name, { specifier: undefined, name, typeOnly: false });
}

function splitStatements(code: string): readonly string[] {
  return code.split(/^(?=(?:import|export|declare|interface|type|abstract) )/m);
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\/\/.*$/gm, "");
}

/** Returns the declaration file of a module specifier; undefined outside of this repository. */
function resolve(specifier: string, from: string): string | undefined {
  if (specifier.startsWith(".")) return join(dirname(from), specifier).replace(/(?:\.d)?\.ts$/, ".d.ts");
  return entriesOfPackages().find((entry) => entry.specifier === specifier)?.file;
}

/** Maps the names that a module exports to their declarations. */
export function readExports(file: string): ReadonlyMap<string, Declared> {
  const { exports, stars } = moduleAt(file);
  const found = new Map<string, Declared>();
  for (const { specifier, typeOnly } of stars) {
    const target = resolve(specifier ?? "", file);
    for (const [name, declared] of target === undefined ? [] : readExports(target))
      found.set(name, { ...declared, typeOnly: declared.typeOnly || typeOnly });
  }
  for (const [as, reference] of exports) {
    const declared = follow(file, reference);
    if (declared !== undefined) found.set(as, declared);
  }
  return found;
}

function follow(file: string, { specifier, name, typeOnly }: Reference): Declared | undefined {
  if (specifier === undefined) return findDeclaration(file, name);
  const target = resolve(specifier, file);
  const declared = target === undefined ? undefined : readExports(target).get(name);
  return declared === undefined ? undefined : { ...declared, typeOnly: declared.typeOnly || typeOnly };
}

/** Follows a name that a file uses to the file that declares it. */
function findDeclaration(file: string, name: string): Declared | undefined {
  const { declarations, imports } = moduleAt(file);
  if (declarations.has(name)) return { file, name, typeOnly: false };
  const imported = imports.get(name);
  return imported === undefined ? undefined : follow(file, imported);
}

/** Lists the exports of an entry, one a line and sorted: `value Session`, `type SessionOptions`. */
export function listExports({ file }: Entry): readonly string[] {
  return [...readExports(file)]
    .map(([name, declared]) => `${isValue(declared) ? "value" : "type"} ${name}`)
    .toSorted();
}

function isValue({ file, name, typeOnly }: Declared): boolean {
  return !typeOnly && moduleAt(file).declarations.get(name)?.kind === "value";
}

/** A type in the signature of an export that no public entry exports. */
export interface HiddenType {
  readonly entry: string;
  /** The export with the type in its declaration. */
  readonly usedBy: string;
  readonly type: string;
  readonly file: string;
}

/** Finds every type of this repository that the exports of an entry name and that `isPublic` does not know. */
export function findHiddenTypes(
  { specifier, file }: Entry,
  isPublic: (declared: Declared) => boolean,
): readonly HiddenType[] {
  return [...readExports(file)].flatMap(([usedBy, declared]) =>
    findReferences(declared)
      .filter((reference) => !isPublic(reference))
      .map((reference) => ({
        entry: specifier,
        usedBy,
        type: reference.name,
        file: reference.file.slice(root.length + 1),
      })),
  );
}

function findReferences({ file, name, typeOnly }: Declared): readonly Declared[] {
  const text = moduleAt(file).declarations.get(name)?.text ?? "";
  const code = withoutHiddenMembers(text, typeOnly).replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  const words = new Set([...code.matchAll(/(?<![.\w])[A-Z]\w*/g)].map(([word]) => word));
  const values = new Set([...code.matchAll(/\btypeof (\w+)/g)].map(([, word = ""]) => word));
  return [...words, ...values]
    .filter((word) => word !== name)
    .map((word) => findDeclaration(file, word))
    .filter((declared) => declared !== undefined);
}

/**
 * Removes the members that users cannot reach: those whose key is a symbol that no entry exports, and the constructor of a
 * class that an entry exports as a type.
 */
function withoutHiddenMembers(text: string, typeOnly: boolean): string {
  const visible = text.replaceAll(
    /^( +)(?:get |readonly |static )*\[(?!Symbol\.)\w+\][^:\]][\s\S]*?;$\n?/gm,
    "",
  );
  return typeOnly ? visible.replaceAll(/^ +constructor\([\s\S]*?;$\n?/gm, "") : visible;
}

/** Returns a test for declarations that some public entry exports. */
export function publicDeclarations(entries: readonly Entry[]): (declared: Declared) => boolean {
  const known = new Set(
    entries.flatMap((entry) =>
      [...readExports(entry.file).values()].map(({ file, name }) => `${file} ${name}`),
    ),
  );
  return ({ file, name }) => known.has(`${file} ${name}`);
}

/** Lists the declaration files that the types of an entry are made of. */
export function reachableFiles({ file }: Entry): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const { imports, exports, stars } = moduleAt(path);
    for (const { specifier } of [...imports.values(), ...exports.values(), ...stars]) {
      const target = specifier === undefined ? undefined : resolve(specifier, path);
      if (target !== undefined) visit(target);
    }
  };
  visit(file);
  return seen;
}

/** Returns the path of the list of an entry: `@holdfast/http/testing` is in `holdfast-http-testing.txt`. */
export function listFile({ specifier }: Entry): string {
  return join(listsFolder, `${specifier.replace("@", "").replaceAll("/", "-")}.txt`);
}

function main(): void {
  rmSync(listsFolder, { recursive: true, force: true });
  mkdirSync(listsFolder);
  for (const entry of listedEntries()) {
    const lines = listExports(entry);
    writeFileSync(listFile(entry), `${lines.join("\n")}\n`);
    console.log(`${entry.specifier}: ${lines.filter((line) => line.startsWith("value")).length} values`);
  }
}

if (import.meta.main) main();
