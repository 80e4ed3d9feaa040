import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { faultOrigin, respond, type FaultOrigin, type Reply, type Routes } from "@holdfast/http/testing";
import { seededRandom } from "@holdfast/policy/testing";
import { readReport, readResults, type RunReport } from "@holdfast/runner";
import { startHoldfast, waitUntil, type HoldfastResult, type RunningHoldfast } from "./support/holdfast.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const page = respond(200, { headers: { "content-type": "text/plain" }, body: "hello\n" });

interface Scene {
  readonly origin: FaultOrigin;
  readonly cwd: string;
  readonly run: (...args: readonly string[]) => Promise<HoldfastResult>;
  readonly start: (...args: readonly string[]) => RunningHoldfast;
  /** Writes a list of paths of the origin, or of other lines. */
  readonly write: (name: string, ...lines: readonly string[]) => void;
  /** Returns `line path state` of every line of the run. */
  readonly rows: () => readonly string[];
  readonly report: () => RunReport;
}

async function setUp(t: TestContext, routes: Routes = { "*": page }): Promise<Scene> {
  const origin = await faultOrigin({ routes });
  const folder = await temporaryDirectory("list");
  t.after(async () => {
    await origin.close();
    await folder[Symbol.asyncDispose]();
  });
  const cwd = folder.path;
  const directory = join(cwd, "results");
  return {
    origin,
    cwd,
    run: (...args) => startHoldfast(args, { cwd }).ended,
    start: (...args) => startHoldfast(args, { cwd }),
    write: (name, ...lines) =>
      writeFileSync(
        join(cwd, name),
        lines.map((line) => (line.startsWith("/") ? `${origin.url}${line}\n` : `${line}\n`)).join(""),
      ),
    rows: () =>
      [...readResults(directory)].map(
        ({ line, url, state }) => `${line} ${url.replace(origin.url, "")} ${state}`,
      ),
    report: () => readReport(directory),
  };
}

/** A page that is sent when `open` is called. */
function gate(): { readonly reply: () => Promise<Reply>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<Reply>();
  return { reply: () => promise, open: () => resolve(page) };
}

function assertAddsUp({ lines, done, failed, skipped, unknown, waiting }: RunReport): void {
  assert.equal(lines, done + failed + skipped + unknown + waiting);
}

test("lines that are no longer in the list are set apart, and neither fetched nor counted in the exit code", async (t) => {
  const scene = await setUp(t, { "*": page, "/gone": respond(404), "/busy": respond(503) });
  scene.write("urls.txt", "/1", "/gone", "/busy", "/2");
  const first = await scene.run("run", "urls.txt", "--attempts", "1");
  scene.write("urls.txt", "# shorter", "/2", "/1");

  const second = await scene.run("run", "urls.txt");
  scene.write("urls.txt", "/gone", "/2", "/1");
  const third = await scene.run("run", "urls.txt");

  assert.deepEqual([first.code, second.code, third.code], [4, 0, 3]);
  assert.match(second.err, /lines 2 = done 2 \+ .*\n {2}2 lines are no longer in the list\n/);
  assert.match(third.err, /lines 3 = done 2 \+ failed 1 .*\n {2}1 line is no longer in the list\n/);
  assert.deepEqual(scene.rows(), ["3 /1 done", "1 /gone failed", "2 /2 done"]);
  assert.deepEqual(
    ["/1", "/gone", "/busy"].map((path) => scene.origin.attempts(path)),
    [1, 1, 1],
  );
});

test("a corrected line replaces the bad one, and the run ends with 0", async (t) => {
  const scene = await setUp(t);
  scene.write("urls.txt", "example.com/a", "/b");
  const first = await scene.run("run", "urls.txt");
  scene.write("urls.txt", "/a", "/b");

  const second = await scene.run("run", "urls.txt");

  assert.deepEqual([first.code, second.code], [3, 0]);
  assert.deepEqual(scene.rows(), ["2 /b done", "1 /a done"]);
  assert.equal(scene.report().removed, 0);
});

test("another list is refused, unless it is added or takes the place of the first", async (t) => {
  const scene = await setUp(t);
  scene.write("urls.txt", "/1", "/2");
  scene.write("more.txt", "/2", "/3");
  await scene.run("run", "urls.txt");

  const refused = await scene.run("run", "more.txt");
  const before = scene.rows();
  const added = await scene.run("run", "more.txt", "--add");
  const withBoth = scene.report();
  const replaced = await scene.run("run", "more.txt", "--replace-list");

  assert.equal(refused.code, 2);
  assert.match(
    refused.err,
    /has the list .*urls\.txt: add --add to fetch .*more\.txt as well, or --replace-list/,
  );
  assert.deepEqual(before, ["1 /1 done", "2 /2 done"]);
  assert.deepEqual([added.code, withBoth.lines, withBoth.done, withBoth.skipped], [0, 4, 3, 1]);
  assert.equal(replaced.code, 0);
  assert.deepEqual([scene.report().lines, scene.report().removed], [2, 2]);
  assert.equal(scene.origin.requests.length, 3);
});

test("the same list is known by its absolute path, also from another folder", async (t) => {
  const scene = await setUp(t);
  scene.write("urls.txt", "/1");
  await scene.run("run", "urls.txt");
  mkdirSync(join(scene.cwd, "inside"));

  const { code, err } = await startHoldfast(["run", "../urls.txt", "-o", "../results"], {
    cwd: join(scene.cwd, "inside"),
  }).ended;

  assert.equal(code, 0, err);
});

test("a list that cannot be read makes no folder", async (t) => {
  const scene = await setUp(t);
  mkdirSync(join(scene.cwd, "folder.txt"));
  writeFileSync(join(scene.cwd, "list.zip"), "PK\u0003\u0004rest of an archive");
  writeFileSync(join(scene.cwd, "secret.txt"), "");
  chmodSync(join(scene.cwd, "secret.txt"), 0);
  // Root reads every file.
  const lists = process.getuid?.() === 0 ? [] : ["secret.txt"];

  for (const list of [...lists, "missing.txt", "folder.txt", "list.zip"]) {
    const { code, err } = await scene.run("run", list);

    assert.equal(code, 2, err);
    assert.match(err, new RegExp(`^holdfast run: cannot read ${list.replace(".", "\\.")}: `), err);
    assert.equal(existsSync(join(scene.cwd, "results")), false, list);
  }
});

test("standard input and URLs only add lines, and fetch nothing that the list has lost", async (t) => {
  const { reply, open } = gate();
  const scene = await setUp(t, { "*": page, "/slow": reply });
  scene.write("urls.txt", "/slow", "/lost");
  const running = scene.start("run", "urls.txt", "-j", "1");
  await waitUntil("a request is in flight", () => scene.origin.requests.length === 1);
  running.signal("SIGKILL");
  await running.ended;
  open();
  scene.write("urls.txt", "/slow");

  const { code, err } = await scene.run("run", `${scene.origin.url}/more`);
  const again = await startHoldfast(["run", "-"], { cwd: scene.cwd, stdin: `${scene.origin.url}/piped\n` })
    .ended;

  assert.deepEqual([code, again.code], [0, 0], err);
  assert.deepEqual(scene.rows(), ["1 /slow done", "1 /more done", "1 /piped done"]);
  assert.deepEqual([scene.report().removed, scene.origin.attempts("/lost")], [1, 0]);
});

test("run -o DIR alone continues with the list and the options, also when the list is gone", async (t) => {
  const scene = await setUp(t, { "*": page, "/busy": [respond(503), respond(503), page] });
  scene.write("urls.txt", "/busy", "/1");
  await scene.run("run", "urls.txt", "--attempts", "1", "-H", "X-Team: red", "-j", "1");
  const status = await scene.run("status", "results");
  scene.write("urls.txt", "/busy", "/1", "/2");

  const second = await scene.run("run", "-o", "results");
  renameSync(join(scene.cwd, "urls.txt"), join(scene.cwd, "away.txt"));
  const third = await scene.run("run", "-o", "results");

  assert.match(status.out, /Continue {2}holdfast run -o results\n/);
  assert.deepEqual([second.code, third.code], [4, 0], third.err);
  assert.match(
    third.err,
    /cannot read .*urls\.txt: no such file: continuing with the lines that were read before\n/,
  );
  assert.equal(scene.origin.attempts("/busy"), 3);
  assert.deepEqual(
    scene.origin.requests.map(({ headers }) => headers["x-team"]),
    ["red", "red", "red", "red", "red"],
  );
});

test("the value of a secret header is not stored: the lines wait until it is given again", async (t) => {
  const scene = await setUp(t, {
    "*": (request) => (request.headers["authorization"] === "Bearer t0p" ? page : respond(401)),
  });
  scene.write("urls.txt", "/1", "/2");
  const { reply } = gate();
  await using slow = await faultOrigin({ routes: { "*": reply } });
  scene.write("urls.txt", `${slow.url}/1`, "/1");
  const first = scene.start("run", "urls.txt", "-j", "1", "-H", "Authorization: Bearer t0p");
  await waitUntil("a request is in flight", () => slow.requests.length === 1);
  first.signal("SIGKILL");
  await first.ended;
  scene.write("urls.txt", "/1", "/2");
  // The run may have sent the other line first.
  const before = scene.origin.requests.length;

  const status = await scene.run("status", "results");
  const bare = await scene.run("run", "-o", "results");
  const advised = await scene.run("run", "-o", "results", "--header-env", "Authorization=AUTHORIZATION");
  const asked = scene.origin.requests.length;
  const last = await startHoldfast(["run", "-o", "results", "--header-env", "Authorization=TOKEN"], {
    cwd: scene.cwd,
    env: { TOKEN: "Bearer t0p" },
  }).ended;
  const stored = await readFile(join(scene.cwd, "results/ledger.db"), "latin1");

  assert.match(
    status.out,
    /Continue {2}holdfast run -o results --header-env Authorization=AUTHORIZATION\n {10}\(the value of/,
  );
  assert.equal(bare.code, 4, bare.err);
  assert.match(
    bare.err,
    /the lines wait, because this run sent the header Authorization and its value is not stored\n/,
  );
  assert.equal(advised.code, 2, advised.err);
  assert.match(advised.err, /in the environment variable AUTHORIZATION, which is not set/);
  assert.deepEqual([asked - before, last.code], [0, 0], last.err);
  assert.doesNotMatch(stored, /t0p/);
  assert.match(stored, /"env":"TOKEN"/);
});

test("a header from a file or a variable is read again, and can be forgotten", async (t) => {
  const scene = await setUp(t);
  scene.write("urls.txt", "/1");
  writeFileSync(join(scene.cwd, "token"), "Bearer one\n");
  await scene.run("run", "urls.txt", "--header-file", "Authorization=token", "-H", "X-Team: red");
  writeFileSync(join(scene.cwd, "token"), "Bearer two\n");
  scene.write("urls.txt", "/1", "/2");
  await scene.run("run", "-o", "results");
  scene.write("urls.txt", "/1", "/2", "/3");

  const { code, err } = await scene.run("run", "-o", "results", "--forget-header", "authorization");

  assert.equal(code, 0, err);
  assert.deepEqual(
    scene.origin.requests.map(({ headers }) => [headers["authorization"], headers["x-team"]]),
    [
      ["Bearer one", "red"],
      ["Bearer two", "red"],
      [undefined, "red"],
    ],
  );
});

test("a second process on a run says nothing about it but that it is in use", async (t) => {
  const { reply, open } = gate();
  const scene = await setUp(t, { "*": reply });
  scene.write("urls.txt", "/1");
  const running = scene.start("run", "urls.txt");
  await waitUntil("a request is in flight", () => scene.origin.requests.length === 1);

  const { code, err } = await scene.run("run", "urls.txt");
  open();
  await running.ended;

  assert.equal(code, 7);
  assert.match(err, /^holdfast run: .*results is in use by another process: [^\n]*\n$/);
});

const kills = 6;

test("a list that is read twice, is edited between, and whose runs are killed, loses and doubles no line", async (t) => {
  const random = seededRandom(11);
  const scene = await setUp(t, {
    "*": async () => {
      await pause(5);
      return page;
    },
  });
  let lines = Array.from({ length: 3_000 }, (_, index) => `/${index}`);
  let added = lines.length;
  for (let kill = 0; kill < kills; kill++) {
    scene.write("urls.txt", ...lines);
    const before = scene.origin.requests.length;
    const running = scene.start("run", "urls.txt", "--progress", "none");
    while (scene.origin.requests.length < before + 40) await pause(5);
    await pause(random() * 150);
    running.signal("SIGKILL");
    await running.ended;
    assertAddsUp(scene.report());
    // A tenth of the lines goes, some are new, and the rest changes its order.
    const kept = lines.filter(() => random() > 0.1);
    const fresh = Array.from({ length: 40 }, () => `/${added++}`);
    lines = [...kept.slice(kept.length / 2), ...fresh, ...kept.slice(0, kept.length / 2)];
  }
  lines = lines.slice(0, 600);
  scene.write("urls.txt", ...lines);

  const last = await scene.run("run", "urls.txt");

  assert.equal(last.code, 0, last.err);
  assertAddsUp(scene.report());
  assert.deepEqual(
    scene.rows().toSorted(),
    lines.map((path, index) => `${index + 1} ${path} done`).toSorted(),
  );
  // At most the requests in flight and the results of one shared commit are lost with each kill.
  const requested = new Map<string, number>();
  for (const { path } of scene.origin.requests) requested.set(path, (requested.get(path) ?? 0) + 1);
  const repeated = [...requested.values()].reduce((sum, count) => sum + count - 1, 0);
  assert.ok(repeated <= kills * 48, `${repeated} requests were repeated`);
  unlinkSync(join(scene.cwd, "urls.txt"));
});
