import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { after, before, test } from "node:test";
import { faultOrigin, quickstartSite, respond, selfSigned } from "@holdfast/http/testing";
import { packPackages } from "../scripts/pack.ts";
import { publicEntries, reachableFiles } from "../scripts/public-surface.ts";
import { runProgram } from "./support/child.ts";
import {
  consumerEnv,
  createConsumer as createConsumerIn,
  installTarballs,
  runSuccessfully,
} from "./support/consumer.ts";
import { temporaryDirectory, type TemporaryDirectory } from "./support/temporary-directory.ts";

const root = join(import.meta.dirname, "..");
const bin = join(root, "node_modules/.bin");
/** The pnpm that installs with a strict node_modules: a package reaches only its own dependencies. */
const pnpm = "pnpm@12.23.0";

let directory: TemporaryDirectory;
let tarballs: string;
let consumer: string;

/** Creates a folder for a program that depends on the packages. */
function createConsumer(name: string, manifest: object = {}): Promise<string> {
  return createConsumerIn(join(directory.path, name), { name, ...manifest });
}

/** Maps the names of the packages to their tarballs. */
async function readTarballs(): Promise<ReadonlyMap<string, string>> {
  const files = await readdir(tarballs);
  return new Map(
    files.map((file) => {
      const name = file.replace(/-\d.*$/, "").replace(/^holdfast-/, "@holdfast/");
      return [name, join(tarballs, file)];
    }),
  );
}

before(async () => {
  directory = await temporaryDirectory("packages");
  const packed = await packPackages(directory.path);
  tarballs = dirname(packed[0] ?? assert.fail("no tarball"));
  assert.equal(packed.length, globSync("packages/*/package.json", { cwd: root }).length);
  consumer = await createConsumer("consumer");
  await installTarballs(consumer, packed);
});

after(() => directory[Symbol.asyncDispose]());

test("the packed program prints the version of its package", async () => {
  const manifest: unknown = JSON.parse(await readFile(join(root, "packages/holdfast/package.json"), "utf8"));
  assert.ok(typeof manifest === "object" && manifest !== null && "version" in manifest);

  const { stdout } = await runSuccessfully("npx", ["holdfast", "--version"], consumer);

  assert.match(stdout, new RegExp(`\\b${String(manifest.version)}\\n$`));
});

test("the packed program fetches a list from a faulty server and stores every page", async () => {
  const pages = quickstartSite({ pages: 20, silence: 200 });
  await using origin = await faultOrigin({ routes: pages.routes });
  await writeFile(join(consumer, "urls.txt"), pages.urls(origin.url).join("\n"));

  await runSuccessfully("npx", ["holdfast", "run", "urls.txt", "-o", "results"], consumer);

  const { stdout } = await runSuccessfully("npx", ["holdfast", "status", "results"], consumer);
  assert.match(stdout, /\b20\b/);
  assert.ok(origin.requests.length > 20);
});

test("the packed library retries a function and sends a request", async () => {
  const pages = quickstartSite({ pages: 1, failing: 0 });
  await using origin = await faultOrigin({ routes: pages.routes });
  const program = `
    import { retry, Session, stopAfterAttempt } from "holdfast";
    let calls = 0;
    const flaky = retry({ stop: stopAfterAttempt(2), wait: () => 0 })(async () => {
      calls += 1;
      if (calls === 1) throw new Error("once");
      return "fine";
    });
    const session = new Session();
    const response = await session.get(process.argv[2]);
    console.log(JSON.stringify([await flaky(), calls, response.status, await response.text()]));
    await session.close();
  `;
  await writeFile(join(consumer, "program.mjs"), program);

  const { stdout } = await runSuccessfully(
    process.execPath,
    ["program.mjs", ...pages.urls(origin.url)],
    consumer,
  );

  assert.deepEqual(JSON.parse(stdout), ["fine", 2, 200, pages.pageBody(1)]);
});

test("the packed library sends requests by HTTP/2", async () => {
  await using origin = await faultOrigin({
    tls: selfSigned(),
    http2: true,
    routes: { "/": respond(200, { body: "by HTTP/2" }) },
  });
  const program = `
    import { Session } from "holdfast";
    await using session = new Session({ http2: true, tls: { rejectUnauthorized: false } });
    console.log(await (await session.get(process.argv[2])).text());
  `;
  await writeFile(join(consumer, "http2.mjs"), program);

  const { stdout } = await runSuccessfully(process.execPath, ["http2.mjs", `${origin.url}/`], consumer);

  assert.equal(stdout, "by HTTP/2\n");
});

test("@holdfast/http works without @holdfast/proxies, and through a pool once it is installed", async () => {
  const packed = await readTarballs();
  const pick = (...names: readonly string[]): readonly string[] =>
    names.map((name) => packed.get(`@holdfast/${name}`) ?? assert.fail(`no tarball of ${name}`));
  const httpOnly = await createConsumer("http-only");
  await using origin = await faultOrigin({
    routes: { "/": respond(200, { body: "direct" }), "*": respond(200, { body: "through a proxy" }) },
  });
  const direct = `
    import { Session } from "@holdfast/http";
    await using session = new Session({ trustEnvironment: false });
    console.log(await session.get(process.argv[2]).text());
    try {
      new Session({ proxy: ["http://127.0.0.1:1"] });
    } catch (error) {
      console.log(error.message);
    }
  `;
  const pooled = `
    import { Session } from "@holdfast/http";
    import { ProxyPool } from "@holdfast/proxies";
    await using session = new Session({ proxy: new ProxyPool([process.argv[2]]) });
    console.log(await session.get("http://site.test/page").text());
  `;
  await writeFile(join(httpOnly, "direct.mjs"), direct);
  await writeFile(join(httpOnly, "pooled.mjs"), pooled);

  await installTarballs(httpOnly, pick("policy", "http"));
  const alone = await runSuccessfully(process.execPath, ["direct.mjs", `${origin.url}/`], httpOnly);
  const missing = await runProgram(process.execPath, ["pooled.mjs", origin.url], {
    cwd: httpOnly,
    env: consumerEnv,
  });
  await installTarballs(httpOnly, pick("policy", "http", "proxies"));
  const through = await runSuccessfully(process.execPath, ["pooled.mjs", origin.url], httpOnly);

  assert.match(alone.stdout, /^direct\nSession\.proxy .*new ProxyPool.*@holdfast\/proxies/);
  assert.match(missing.stderr, /Cannot find package '@holdfast\/proxies'/);
  assert.equal(through.stdout, "through a proxy\n");
});

test("a TypeScript program compiles with the packed types, and a wrong type is an error", async () => {
  await mkdir(join(consumer, "node_modules/@types"), { recursive: true });
  await symlink(join(root, "node_modules/@types/node"), join(consumer, "node_modules/@types/node"));
  await symlink(join(root, "node_modules/undici-types"), join(consumer, "node_modules/undici-types")).catch(
    () => {},
  );
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", "node"];
  const right = `
    import { retry, Session, stopAfterAttempt } from "holdfast";
    export async function status(url: string): Promise<number> {
      const session = new Session();
      const get = retry({ stop: stopAfterAttempt(2) })((from: string) => session.get(from));
      return (await get(url)).status;
    }
  `;
  await writeFile(join(consumer, "right.ts"), right);
  await writeFile(join(consumer, "wrong.ts"), right.replace("Promise<number>", "Promise<string>"));

  await runSuccessfully(join(bin, "tsc"), [...options, "right.ts"], consumer);
  const wrong = await runProgram(join(bin, "tsc"), [...options, "wrong.ts"], {
    cwd: consumer,
    env: consumerEnv,
  });

  assert.notEqual(wrong.code, 0);
  assert.match(
    wrong.stdout,
    /wrong\.ts\(\d+,\d+\): error TS2322: Type 'number' is not assignable to type 'string'/,
  );
});

/** A program that uses a value and a type of each entry of `holdfast`. */
const everyEntry = `
  import { Session, type SessionOptions } from "holdfast";
  import { statusVerdict, type Verdict } from "holdfast/http";
  import { adaptiveConcurrency, type Explanation } from "holdfast/policy";
  import { proxyPoolDefaults, type ProxyStats } from "holdfast/proxies";
  import { readResults, type LineResult } from "holdfast/runner";
  import { fakeClock, faultOrigin, type FaultOrigin } from "holdfast/testing";

  type Types = readonly [SessionOptions?, Verdict?, Explanation?, ProxyStats?, LineResult?, FaultOrigin?];
  const types: Types = [];
  const values: readonly unknown[] =
    [Session, statusVerdict, adaptiveConcurrency, readResults, fakeClock, faultOrigin];
  console.log(types.length, values.filter((value) => typeof value === "function").length, typeof proxyPoolDefaults);
`;

test("a program that installs only holdfast, with pnpm, reaches every package through its subpaths", async () => {
  const { holdfast = "", ...others } = Object.fromEntries(await readTarballs());
  const strict = await createConsumer("strict", { dependencies: { holdfast: `file:${holdfast}` } });
  const overrides = Object.entries(others).map(([name, file]) => `  "${name}": "file:${file}"\n`);
  await writeFile(join(strict, "pnpm-workspace.yaml"), `overrides:\n${overrides.join("")}`);
  await runSuccessfully(
    "npx",
    ["--yes", pnpm, "install", "--store-dir", join(directory.path, "store")],
    strict,
  );
  await writeFile(join(strict, "program.ts"), everyEntry);
  await mkdir(join(strict, "node_modules/@types"));
  await symlink(join(root, "node_modules/@types/node"), join(strict, "node_modules/@types/node"));
  const options = ["--strict", "--module", "nodenext", "--target", "es2024", "--types", "node"];

  await runSuccessfully(join(bin, "tsc"), [...options, "program.ts"], strict);
  const { stdout } = await runSuccessfully(process.execPath, ["program.js"], strict);

  assert.equal(stdout, "0 6 object\n");
  const direct = await readdir(join(strict, "node_modules"));
  assert.ok(!direct.includes("@holdfast"), direct.join());
});

test("no packed declaration file of a public entry refers to an internal entry", () => {
  const files = new Set(publicEntries().flatMap((entry) => [...reachableFiles(entry)]));
  const packed = [...files].map((file) => {
    const [, name = "", ...path] = relative(root, file).split("/");
    return join(consumer, "node_modules", name === "holdfast" ? name : `@holdfast/${name}`, ...path);
  });

  const referring = packed.filter((file) => /["'][^"'\n]*\/internal\b/.test(readFileSync(file, "utf8")));

  assert.ok(packed.length > 100);
  assert.deepEqual(referring, []);
});

/** A packed package, with what its bundles say about themselves. */
interface PackedPackage {
  readonly name: string;
  readonly folder: string;
  /** The paths of all its files. */
  readonly files: readonly string[];
  readonly bundles: ReadonlyMap<string, Bundle>;
}

interface Bundle {
  readonly code: string;
  /** Maps the sources of the bundle to their text. */
  readonly sources: ReadonlyMap<string, string>;
  readonly imports: readonly string[];
  readonly dynamicImports: readonly string[];
}

function readBundle(path: string): Bundle {
  const code = readFileSync(path, "utf8");
  const map = JSON.parse(readFileSync(`${path}.map`, "utf8")) as Record<
    "sources" | "sourcesContent",
    string[]
  >;
  const texts = map.sources.map((source, index) => {
    return [source.slice(source.indexOf("src/")), map.sourcesContent[index] ?? ""] as const;
  });
  const specifiers = (pattern: RegExp): readonly string[] =>
    [...code.matchAll(pattern)].map(([, specifier = ""]) => specifier);
  return {
    code,
    sources: new Map(texts),
    imports: specifiers(/^(?:(?:import|export) [^;"]*from |import |\} from )"([^"]+)";$/gm),
    dynamicImports: specifiers(/\bimport\("([^"]+)"\)/g),
  };
}

function readPackage(name: string): PackedPackage {
  const folder = join(consumer, "node_modules", name);
  const files = globSync("**/*.*", { cwd: folder });
  const bundles = files.filter((file) => file.endsWith(".js") && !file.endsWith("check-node.js"));
  return {
    name,
    folder,
    files,
    bundles: new Map(bundles.map((file) => [file, readBundle(join(folder, file))])),
  };
}

function packedPackages(): readonly PackedPackage[] {
  return ["@holdfast/policy", "@holdfast/http", "@holdfast/proxies", "@holdfast/runner", "holdfast"].map(
    readPackage,
  );
}

/** Lists the bundles and the other modules that one bundle loads, with its dynamic imports or without. */
function loadedFrom(start: string, { bundles }: PackedPackage, lazy: boolean): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const { imports = [], dynamicImports = [] } = bundles.get(file) ?? {};
    for (const specifier of [...imports, ...(lazy ? dynamicImports : [])])
      visit(specifier.startsWith(".") ? join(dirname(file), specifier) : specifier);
  };
  visit(start);
  return seen;
}

function sourcesOf(files: Iterable<string>, { bundles }: PackedPackage): readonly string[] {
  return [...files].flatMap((file) => [...(bundles.get(file)?.sources.keys() ?? [])]);
}

test("the packages contain bundles with their sources in source maps, and the declaration files of their entries", () => {
  for (const packed of packedPackages()) {
    const { name, folder, files, bundles } = packed;
    const manifest = readFileSync(join(folder, "package.json"), "utf8");
    const others = files.filter((file) => !/^dist\/.*\.(?:d\.ts|js|js\.map)$/.test(file));
    const sources = sourcesOf(bundles.keys(), packed);

    assert.deepEqual(others.toSorted(), ["README.md", "package.json"], name);
    assert.ok(files.length < 400, `${name} has ${files.length} files`);
    assert.doesNotMatch(manifest, /"source"|"scripts"|src\//);
    for (const file of files.filter((path) => path.endsWith(".d.ts"))) {
      const source = file.replace(/^dist/, "src").replace(/\.d\.ts$/, ".ts");
      const holdsTypesAlone = existsSync(join(root, "packages", name.replace("@holdfast/", ""), source));
      assert.ok(sources.includes(source) || holdsTypesAlone, file);
    }
    for (const { sources } of bundles.values())
      for (const text of sources.values()) assert.notEqual(text, "");
  }
});

test("entries of one package share their classes", async () => {
  for (const packed of packedPackages()) {
    const twice = sourcesOf(packed.bundles.keys(), packed).filter(
      (file, index, all) => all.indexOf(file) !== index,
    );
    assert.deepEqual(twice, [], packed.name);
  }
  const program = `
    import * as http from "@holdfast/http";
    import { Cookies } from "@holdfast/http/internal";
    import { faultOrigin } from "@holdfast/http/testing";
    import * as subpath from "holdfast/http";
    import * as umbrella from "holdfast";
    const copies = [subpath, umbrella].flatMap((entry) =>
      Object.keys(entry).filter((name) => name in http && entry[name] !== http[name]));
    await using origin = await faultOrigin({ routes: {} });
    await using session = new umbrella.Session();
    const response = await session.get(origin.url);
    console.log(JSON.stringify([copies, session.cookies instanceof Cookies, response instanceof http.HttpResponse]));
  `;
  await writeFile(join(consumer, "identity.mjs"), program);

  const { stdout } = await runSuccessfully(process.execPath, ["identity.mjs"], consumer);

  assert.deepEqual(JSON.parse(stdout), [[], true, true]);
});

test("classes in bundles have the names of their sources", () => {
  const classes = packedPackages().flatMap(({ bundles }) =>
    [...bundles.values()].flatMap(({ code, sources }) => {
      const texts = [...sources.values()].join("\n");
      const names = [...code.matchAll(/^(?:var (\w+) = )?class(?: (?!extends\b)(\w+))?/gm)].map(
        ([, variable, own]) => own ?? variable ?? "",
      );
      return names.map((name) => ({ name, kept: new RegExp(`class ${name}\\b`).test(texts) }));
    }),
  );

  assert.ok(classes.length > 100, `${classes.length} classes`);
  assert.deepEqual(
    classes.filter(({ kept }) => !kept),
    [],
  );
});

test("no entry but testing loads the test kit", () => {
  for (const packed of packedPackages()) {
    const entries = [...packed.bundles.keys()].filter((file) => !/chunks|testing/.test(file));
    for (const entry of entries) {
      const loaded = loadedFrom(entry, packed, true);
      const kit = sourcesOf(loaded, packed).filter((file) => file.startsWith("src/testing/"));
      assert.deepEqual([...kit, ...[...loaded].filter((file) => file.endsWith("/testing"))], [], entry);
    }
  }
});

test("cookies, HTTP/2, downloads and tunnels are loaded at their first use", () => {
  const http = readPackage("@holdfast/http");
  const later =
    /^(?:tough-cookie|node:(?:http2|crypto|tls|zlib|sqlite)|src\/download\/.*|src\/transport\/(?:http2\/client|tunnel\/tunnel)\.ts)$/;
  const loadedWith = (lazy: boolean): readonly string[] => {
    const files = loadedFrom("dist/index.js", http, lazy);
    return [...files, ...sourcesOf(files, http)].filter((file) => later.test(file)).toSorted();
  };

  assert.deepEqual(loadedWith(false), []);
  for (const name of ["tough-cookie", "src/download/download.ts", "src/transport/http2/client.ts"])
    assert.ok(loadedWith(true).includes(name), name);
});
