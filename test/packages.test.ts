import assert from "node:assert/strict";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { faultOrigin, quickstartSite, respond, selfSigned } from "@holdfast/http/testing";
import { runProgram, type ProgramResult } from "./support/child.ts";
import { temporaryDirectory, type TemporaryDirectory } from "./support/temporary-directory.ts";

const root = join(import.meta.dirname, "..");
const bin = join(root, "node_modules/.bin");
/** Puts the Node that runs the tests first, because npm may run another one. */
const env = { ...process.env, PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter) };

let directory: TemporaryDirectory;
let consumer: string;

async function runSuccessfully(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<ProgramResult> {
  const result = await runProgram(command, args, { cwd, env, within: 300_000 });
  assert.equal(result.code, 0, `${command} ${args.join(" ")}\n${result.stdout}${result.stderr}`);
  return result;
}

/** Installs the tarballs as a user would, with dependencies from npm's cache or else from the registry. */
async function install(tarballs: readonly string[]): Promise<void> {
  const args = ["install", "--no-audit", "--no-fund", ...tarballs];
  const offline = await runProgram("npm", [...args, "--offline"], { cwd: consumer, env, within: 300_000 });
  if (offline.code !== 0) await runSuccessfully("npm", args, consumer);
}

before(async () => {
  directory = await temporaryDirectory("packages");
  consumer = join(directory.path, "consumer");
  const tarballs = join(directory.path, "tarballs");
  await mkdir(tarballs);
  await mkdir(consumer);
  await writeFile(
    join(consumer, "package.json"),
    JSON.stringify({ name: "consumer", private: true, type: "module" }),
  );
  await runSuccessfully(join(bin, "tsc"), ["-b", "packages/holdfast"], root);
  await runSuccessfully("npm", ["pack", "--workspaces", "--pack-destination", tarballs], root);
  const packed = await readdir(tarballs);
  assert.equal(packed.length, 4);
  await install(packed.map((name) => join(tarballs, name)));
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

test("the packed library uses HTTP/2", async () => {
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

test("a TypeScript program compiles with the packed types, and a type error is reported", async () => {
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
  const wrong = await runProgram(join(bin, "tsc"), [...options, "wrong.ts"], { cwd: consumer, env });

  assert.notEqual(wrong.code, 0);
  assert.match(
    wrong.stdout,
    /wrong\.ts\(\d+,\d+\): error TS2322: Type 'number' is not assignable to type 'string'/,
  );
});
