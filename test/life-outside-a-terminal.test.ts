import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { faultOrigin, respond, type FaultOrigin } from "@holdfast/http/testing";
import { holdfastCommand, startHoldfast, waitUntil, type RunningHoldfast } from "./support/holdfast.ts";
import { otherUser, testAsRoot } from "./support/root.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const page = respond(200, { body: "hello\n" });

interface Scene extends AsyncDisposable {
  readonly origin: FaultOrigin;
  readonly cwd: string;
  readonly open: () => void;
  readonly start: (...args: readonly string[]) => RunningHoldfast;
}

/** An origin that responds after `open`, and a folder that other users may enter. */
async function setUp(): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const { promise, resolve } = Promise.withResolvers<typeof page>();
  const origin = stack.use(await faultOrigin({ routes: { "*": () => promise } }));
  const cwd = stack.use(await temporaryDirectory("life")).path;
  chmodSync(cwd, 0o755);
  writeFileSync(join(cwd, "urls.txt"), [1, 2, 3, 4].map((n) => `${origin.url}/${n}\n`).join(""));
  return {
    origin,
    cwd,
    open: () => resolve(page),
    start: (...args) => startHoldfast(args, { cwd }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("a hangup does not end a run without a terminal, and SIGTERM drains it", async () => {
  await using scene = await setUp();
  const running = scene.start("run", "urls.txt");
  await waitUntil("a request is in flight", () => scene.origin.requests.length === 1);

  running.signal("SIGHUP");
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.doesNotMatch(running.err(), /Interrupted/);
  running.signal("SIGTERM");
  await waitUntil("it drains", () => running.err().includes("Interrupted"));
  scene.open();
  const { code, err } = await running.ended;

  assert.equal(code, 130, err);
  assert.match(err, /lines 4 = done 1 .* waiting 3\n/);
});

test("an old Node gets one sentence", async () => {
  const [node, ...before] = holdfastCommand;
  const pretend = `Object.defineProperty(process.versions, "node", { value: "18.20.8" })`;
  const args = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`, ...before, "--version"];

  const { status, stdout, stderr } = spawnSync(node, args, { encoding: "utf8" });

  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /^holdfast needs Node \d+\.\d+ or later, and this is Node 18\.20\.8: [^\n]+\n$/);
});

test("a list may be UTF-16, compressed, and have bytes that are not UTF-8", async () => {
  await using scene = await setUp();
  scene.open();
  const latin = Buffer.from(`${scene.origin.url}/caf\u00e9\n`, "latin1");
  const utf16 = Buffer.from(`\u{FEFF}${scene.origin.url}/sixteen # windows\r\n`, "utf16le");
  writeFileSync(join(scene.cwd, "latin.txt"), latin);
  writeFileSync(join(scene.cwd, "sixteen.txt"), utf16);
  writeFileSync(join(scene.cwd, "zipped.gz"), gzipSync(Buffer.from(`${scene.origin.url}/zipped\n`)));
  writeFileSync(join(scene.cwd, "both.gz"), gzipSync(Buffer.from(utf16)));

  for (const list of ["latin.txt", "sixteen.txt", "zipped.gz", "both.gz"]) {
    const { code, err } = await scene.start("run", list, "-o", `of-${list}`).ended;
    assert.equal(code, 0, err);
  }

  assert.deepEqual(
    scene.origin.requests.map(({ path }) => path),
    ["/caf%E9", "/sixteen", "/zipped", "/sixteen"],
  );
});

test("a gzip list that is cut off ends the run, and removes no line", async () => {
  await using scene = await setUp();
  scene.open();
  const list = join(scene.cwd, "urls.gz");
  const lines = Array.from({ length: 2_000 }, (_, n) => `${scene.origin.url}/${(n * 7_919) % 10_007}\n`).join(
    "",
  );
  const first = lines.slice(0, 40 * scene.origin.url.length);
  writeFileSync(list, gzipSync(first.slice(0, first.lastIndexOf("\n") + 1)));
  await scene.start("run", "urls.gz").ended;
  writeFileSync(list, gzipSync(lines).subarray(0, -1_000));

  const { code, err } = await scene.start("run", "urls.gz").ended;
  const status = await scene.start("status", "results").ended;

  assert.equal(code, 2, err);
  assert.match(err, /cannot read urls\.gz: its gzip data is damaged or incomplete\n/);
  assert.doesNotMatch(status.out, /no longer in the list/);
});

/** Runs the program as another user. */
async function asOther(cwd: string, ...args: readonly string[]): Promise<string> {
  const [node, ...before] = holdfastCommand;
  const identity = [`--reuid=${otherUser}`, `--regid=${otherUser}`, "--clear-groups"];
  const { stdout } = await promisify(execFile)("setpriv", [...identity, node, ...before, ...args], { cwd });
  return stdout;
}

testAsRoot(
  "another user reads a run that its owner shares: while it runs, after a kill, and at its end",
  async () => {
    await using scene = await setUp();
    const running = scene.start("run", "urls.txt");
    await waitUntil("a request is in flight", () => scene.origin.requests.length === 1);
    await promisify(execFile)("chmod", ["-R", "go+rX", join(scene.cwd, "results")]);

    const live = await asOther(scene.cwd, "status", "results");
    running.signal("SIGKILL");
    await running.ended;
    const killed = await asOther(scene.cwd, "export", "results", "--no-body");
    scene.open();
    await scene.start("run", "urls.txt").ended;
    const status = await asOther(scene.cwd, "status", "results");
    const exported = await asOther(scene.cwd, "export", "results");

    assert.match(live, /^Running: 0 of 4 lines fetched/);
    assert.match(killed, /^(\{"line":\d,.*"state":"pending".*\}\n){4}$/);
    assert.match(status, /^4 of 4 lines fetched/);
    assert.match(exported, /^(\{.*"body":"hello\\n"\}\n){4}$/);
  },
);

testAsRoot("a run on a read-only disk is read, also one that was killed", async () => {
  await using scene = await setUp();
  const results = join(scene.cwd, "results");
  const readOnly = async (...args: readonly string[]): Promise<string> => {
    const mount = `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && shift 0 && exec "$@"`;
    const command = ["-m", "bash", "-c", mount, results, ...holdfastCommand, ...args];
    return (await promisify(execFile)("unshare", command, { cwd: scene.cwd })).stdout;
  };
  const running = scene.start("run", "urls.txt");
  await waitUntil("a request is in flight", () => scene.origin.requests.length === 1);
  running.signal("SIGKILL");
  await running.ended;
  const killed = await readOnly("status", "results");
  scene.open();
  await scene.start("run", "urls.txt").ended;

  const status = await readOnly("status", "results");
  const exported = await readOnly("export", "results");

  assert.match(killed, /lines 4 = done 0 .* waiting 4\n/);
  assert.match(status, /^4 of 4 lines fetched/);
  assert.match(exported, /^(\{.*"body":"hello\\n"\}\n){4}$/);
});
