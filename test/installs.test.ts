import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cp, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { packPackages } from "../scripts/pack.ts";
import { runProgram } from "./support/child.ts";
import { consumerEnv, createConsumer, installTarballs, runSuccessfully } from "./support/consumer.ts";
import { temporaryDirectory, type TemporaryDirectory } from "./support/temporary-directory.ts";

const root = join(import.meta.dirname, "..");
const nodes = join(import.meta.dirname, "platforms/nodes/node_modules");
const tools = join(import.meta.dirname, "installs/node_modules");

// npm has these for other systems as well, under other names.
const skip = process.platform !== "linux" || process.arch !== "x64";

let directory: TemporaryDirectory;
let modules: string;
let commonjs: string;
let server: Server;
let url: string;

/** Uses values and types of several entries, and sends requests that fail first. */
const program = `
import { get, retry, Session, type HttpResponse } from "holdfast";
import { Retry } from "holdfast/http";
import { stopAfterAttempt } from "holdfast/policy";
import { createFetch } from "@holdfast/http/fetch";
import { dispatcher } from "holdfast/undici";

async function main(): Promise<void> {
  const url = process.argv.at(-1) ?? "";
  const response: HttpResponse = await get(url, { retry: { total: 3, backoffFactor: 5 }, timeout: "10s" });
  const session = new Session({ retry: new Retry({ total: 3, backoffFactor: 5 }) });
  const data = await session.get(url).json<{ readonly name: string }>();
  let calls = 0;
  const flaky = retry({ stop: stopAfterAttempt(3), wait: () => 0 })(async () => {
    calls += 1;
    if (calls < 2) throw new Error("once");
    return data.name;
  });
  const fetched: Response = await createFetch({ retry: { total: 3, backoffFactor: 5 } })(url);
  console.log([response.status, await flaky(), fetched.status, typeof dispatcher].join());
  await session.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
`;
const printed = "200,ada,200,function\n";

const required = `
const { get } = require("holdfast");
const { Retry } = require("@holdfast/http");
get(process.argv[2], { retry: new Retry({ total: 3, backoffFactor: 5 }) }).json().then(({ name }) => console.log(name));
`;

before(async () => {
  if (skip) return;
  directory = await temporaryDirectory("installs");
  const packed = await packPackages(directory.path);
  // A module looks for packages in the folders above its own.
  await symlink(tools, join(directory.path, "node_modules"));
  modules = await createConsumer(join(directory.path, "modules"));
  await installTarballs(modules, packed);
  commonjs = await createConsumer(join(directory.path, "commonjs"), { type: "commonjs" });
  await cp(join(modules, "node_modules"), join(commonjs, "node_modules"), { recursive: true });
  for (const folder of [modules, commonjs]) await writeFile(join(folder, "program.ts"), program);
  await writeFile(join(commonjs, "required.cjs"), required);
  let requests = 0;
  server = createServer((_request, response) => {
    requests += 1;
    if (requests % 2 === 1) response.writeHead(503).end();
    else response.setHeader("content-type", "application/json").end('{"name":"ada"}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

after(async () => {
  server?.close();
  server?.closeAllConnections();
  await directory?.[Symbol.asyncDispose]();
});

/** Runs a script with the Node of the tests. Returns what it prints. */
async function runScript(folder: string, args: readonly string[], node = process.execPath): Promise<string> {
  return (await runSuccessfully(node, args, folder)).stdout;
}

/** A compiler, and the pairs of `module` and `moduleResolution` that it is tried with. */
const compilers: readonly (readonly [name: string, file: string, pairs: readonly string[]])[] = [
  ["5.6", join(tools, "typescript56/bin/tsc"), ["nodenext nodenext", "esnext bundler", "commonjs node10"]],
  ["5.9", join(tools, "typescript59/bin/tsc"), ["nodenext nodenext", "esnext bundler", "commonjs node10"]],
  ["7", join(root, "node_modules/typescript/bin/tsc"), ["nodenext nodenext", "esnext bundler"]],
];

for (const [version, compiler, pairs] of compilers) {
  for (const pair of pairs) {
    const [kind = "", resolution = ""] = pair.split(" ");
    test(`TypeScript ${version} compiles with moduleResolution ${resolution}`, { skip }, async () => {
      const folder = kind === "commonjs" ? commonjs : modules;
      const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
      const target = ["--noEmit", "--target", "es2022", "--types", "node"];
      const options = [...target, ...strict, "--module", kind, "--moduleResolution", resolution];
      const wrong = `import { get } from "holdfast";
        export const status: Promise<string> = get("").then((response) => response.status);`;
      await writeFile(join(folder, "wrong.mts"), wrong);

      const { stdout } = await runProgram(
        process.execPath,
        [compiler, ...options, "program.ts", "wrong.mts"],
        { cwd: folder, env: consumerEnv, within: 120_000 },
      );

      const errors = stdout.split("\n").filter((line) => line.includes(": error "));
      assert.match(
        errors.join("\n"),
        /^wrong\.mts.*'Promise<.*number>' is not assignable to type 'Promise<string>'/,
      );
      assert.equal(errors.length, 1, stdout);
    });
  }
}

test("tsx and Node's own type stripping run a program", { skip }, async () => {
  assert.equal(await runScript(modules, [join(tools, "tsx/dist/cli.mjs"), "program.ts", url]), printed);
  assert.equal(await runScript(modules, ["program.ts", url]), printed);
});

test("ts-node runs a CommonJS program with TypeScript 5.9", { skip }, async () => {
  const compilerOptions = {
    module: "commonjs",
    moduleResolution: "node10",
    target: "es2022",
    strict: true,
    types: ["node"],
  };
  await writeFile(join(commonjs, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  const args = [join(tools, "ts-node/dist/bin.js"), "-C", join(tools, "typescript59"), "program.ts", url];

  assert.equal(await runScript(commonjs, args), printed);
});

for (const format of ["esm", "cjs"] as const) {
  test(`esbuild bundles a program as ${format}`, { skip }, async () => {
    const { build } = await import("esbuild");
    const outfile = join(modules, format === "esm" ? "bundle.mjs" : "bundle.cjs");
    const { warnings } = await build({
      entryPoints: [join(modules, "program.ts")],
      bundle: true,
      platform: "node",
      format,
      outfile,
      logLevel: "silent",
    });

    const unexpected = warnings.filter(({ id }) => id !== "empty-import-meta");
    assert.deepEqual(unexpected, []);
    assert.equal(await runScript(modules, [outfile, url]), printed);
  });
}

test("Vite bundles a program for a server, and createFetch for a browser", { skip }, async () => {
  const vite = join(tools, "vite/bin/vite.js");
  await writeFile(join(modules, "browser.ts"), 'export { createFetch } from "@holdfast/http/fetch";');
  const ssr = { noExternal: true };
  await writeFile(
    join(modules, "vite.config.js"),
    `export default ${JSON.stringify({ ssr, logLevel: "error" })};`,
  );
  const browser = {
    logLevel: "error",
    build: { outDir: "browser", lib: { entry: "browser.ts", formats: ["es"], fileName: "browser" } },
  };
  await writeFile(join(modules, "vite.browser.js"), `export default ${JSON.stringify(browser)};`);

  await runScript(modules, [vite, "build", "--ssr", "program.ts"]);
  await runScript(modules, [vite, "build", "--config", "vite.browser.js"]);

  assert.equal(await runScript(modules, ["dist/program.js", url]), printed);
  assert.doesNotMatch(
    readFileSync(join(modules, "browser/browser.js"), "utf8"),
    /from "node:|browser-external/,
  );
});

/** A test of a user, for both runners. */
const userTest = (imports: string): string => `
${imports}
import { Session } from "holdfast";
test("a session sends again", async () => {
  const session = new Session({ retry: { total: 3, backoffFactor: 5 } });
  expect((await session.get(process.env.SITE)).status).toBe(200);
  await session.close();
});
`;

test("Vitest and Jest run a test that sends requests", { skip }, async () => {
  await writeFile(join(modules, "user.test.mjs"), userTest('import { expect, test } from "vitest";'));
  const jestFolder = await createConsumer(join(directory.path, "jest"), {
    jest: { testEnvironment: "node", transform: {}, testMatch: ["**/*.test.mjs"] },
  });
  await symlink(join(modules, "node_modules"), join(jestFolder, "node_modules"));
  await writeFile(join(jestFolder, "user.test.mjs"), userTest(""));
  const env = { ...consumerEnv, SITE: url };
  const options = { env, within: 120_000 };

  const vitest = await runProgram(process.execPath, [join(tools, "vitest/vitest.mjs"), "run"], {
    ...options,
    cwd: modules,
  });
  const jestArgs = ["--experimental-vm-modules", join(tools, "jest/bin/jest.js")];
  const jest = await runProgram(process.execPath, jestArgs, { ...options, cwd: jestFolder });

  assert.match(vitest.stdout, /1 passed/, vitest.stderr);
  assert.match(jest.stderr, /Tests: +1 passed/, jest.stdout);
});

test("Bun and Deno run a program", { skip }, async () => {
  const bun = join(tools, "@oven/bun-linux-x64/bin/bun");
  const deno = join(tools, "@deno/linux-x64-glibc/deno");

  assert.equal(await runScript(modules, ["program.ts", url], bun), printed);
  const denoArgs = ["run", "--allow-all", "--no-remote", "--node-modules-dir=manual", "program.ts", url];
  assert.equal(await runScript(modules, denoArgs, deno), printed);
});

for (const major of [22, 24, 26]) {
  test(`import and require work on Node ${major}`, { skip }, async () => {
    const node = major === 24 ? process.execPath : join(nodes, `node${major}/bin/node`);

    assert.equal(await runScript(modules, ["bundle.mjs", url], node), printed);
    assert.equal(await runScript(commonjs, ["required.cjs", url], node), "ada\n");
  });
}

test("Node 20 gets one sentence, from the program and from each package", { skip }, async () => {
  const node = join(tools, "node20/bin/node");
  const options = { cwd: modules, env: consumerEnv };
  const sentence = /needs Node 22\.19 or later, and this is Node 20\.\d+\.\d+/;

  const started = await runProgram(node, ["node_modules/holdfast/dist/main.js", "--help"], options);
  assert.match(started.stderr, sentence);
  assert.deepEqual([started.code, started.stdout, started.stderr.trim().split("\n").length], [1, "", 1]);

  for (const name of [
    "holdfast",
    "holdfast/http",
    "@holdfast/http",
    "@holdfast/proxies",
    "@holdfast/runner",
  ]) {
    const script = `import(${JSON.stringify(name)}).catch((error) => console.log(error.stack));`;
    const { stdout, stderr } = await runProgram(node, ["--input-type=module", "--eval", script], options);

    assert.match(stdout, sentence, name);
    assert.deepEqual([stdout.trim().split("\n").length, stderr], [1, ""], name);
  }
});

test("the version that is checked is the one that the packages name", () => {
  const check = readFileSync(join(root, "scripts/check-node.js"), "utf8");
  const oldest = /oldest = "([\d.]+)"/.exec(check)?.[1];

  for (const name of ["policy", "http", "proxies", "runner", "holdfast"]) {
    const manifest = readFileSync(join(root, "packages", name, "package.json"), "utf8");
    assert.match(manifest, new RegExp(`"node": ">=${oldest}"`), name);
  }
});
