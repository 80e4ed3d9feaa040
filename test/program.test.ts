import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { faultOrigin, quickstartSite, ranged, refusedPort, respond, stall } from "@holdfast/http/testing";
import type { Reply, FaultOrigin, Routes } from "@holdfast/http/testing";
import { startHoldfast, waitUntil, type HoldfastResult, type RunningHoldfast } from "./support/holdfast.ts";

const page = respond(200, { headers: { "content-type": "text/plain" }, body: "hello\n" });

interface Scene {
  readonly origin: FaultOrigin;
  readonly cwd: string;
  /** Starts the program in the folder of the scene; it is ended with the scene. */
  readonly start: (...args: readonly string[]) => RunningHoldfast;
  /** Runs the program in the folder of the scene to its end. */
  readonly run: (...args: readonly string[]) => Promise<HoldfastResult>;
  readonly writeList: (paths: readonly string[]) => Promise<void>;
}

async function setUp(t: TestContext, routes: Routes = { "*": page }): Promise<Scene> {
  const origin = await faultOrigin({ routes });
  const cwd = await mkdtemp(join(tmpdir(), "holdfast-program-"));
  const children: RunningHoldfast[] = [];
  t.after(async () => {
    for (const child of children) child.signal("SIGKILL");
    await Promise.all(children.map(({ ended }) => ended));
    await origin.close();
    await rm(cwd, { recursive: true, force: true });
  });
  return {
    origin,
    cwd,
    start: (...args) => {
      const child = startHoldfast(args, { cwd });
      children.push(child);
      return child;
    },
    run: (...args) => startHoldfast(args, { cwd }).ended,
    writeList: (lines) =>
      writeFile(
        join(cwd, "urls.txt"),
        lines.map((path) => (path.startsWith("/") ? `${origin.url}${path}\n` : `${path}\n`)).join(""),
      ),
  };
}

/** Routes that respond only after a release. */
function gate(): { readonly routes: Routes; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<Reply>();
  return { routes: { "*": () => promise }, open: () => resolve(page) };
}

function paths(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `/${index + 1}`);
}

test("help, the version and an invalid command line load neither the transport nor SQLite", async (t) => {
  const scene = await setUp(t);
  const rows = [
    [["--help"], 0],
    [["--version"], 0],
    [["run", "--help"], 0],
    [["rnu"], 2],
    [["run", "--attempts", "none", "urls.txt"], 2],
    [["run", "missing.txt"], 2],
  ] as const;

  for (const [args, code] of rows) {
    const coverage = join(scene.cwd, `loaded-${args.join("-")}`);
    const ending = await startHoldfast(args, { cwd: scene.cwd, env: { NODE_V8_COVERAGE: coverage } }).ended;
    const loaded = (
      await Promise.all((await readdir(coverage)).map((name) => readFile(join(coverage, name), "utf8")))
    ).join("");

    assert.equal(ending.code, code, args.join(" "));
    assert.equal(code === 0 ? ending.err : ending.out, "");
    assert.match(loaded, /holdfast\/src\/main\.ts/);
    assert.doesNotMatch(loaded, /packages\/(http|runner)\/src/, args.join(" "));
  }
});

test("run fetches every page of a site that fails at first, and writes nothing to standard output", async (t) => {
  const site = quickstartSite({ pages: 30, silence: 200 });
  const scene = await setUp(t, site.routes);
  await scene.writeList(site.paths);

  const { code, out, err } = await scene.run("run", "urls.txt", "-o", "results");

  assert.equal(code, 0, err);
  assert.equal(out, "");
  assert.match(
    err,
    /^30 of 30 lines fetched \(\d+ attempts, .+\)\n {2}lines 30 = done 30 \+ failed 0 \+ skipped 0 \+ unknown 0 \+ waiting 0\n\nResults {3}results /m,
  );
  const attempts = Number(/(\d+) attempts/.exec(err)?.[1]);
  // A request that meets a connection which has just closed goes out again unseen, as RFC 9112 section 9.3.1 allows.
  assert.ok(attempts > 30 && attempts <= scene.origin.requests.length, `${attempts} attempts`);
  assert.doesNotMatch(err, /\u001b/);
});

test("run reports invalid lines by number and does not count comments and empty lines", async (t) => {
  const scene = await setUp(t, { "/a": page });
  await scene.writeList(["# a comment", "", "/a", "example.com/no-scheme", "/gone"]);

  const { code, err } = await scene.run("run", "urls.txt");

  assert.equal(code, 3);
  assert.match(err, /lines 3 = done 1 \+ failed 2 \+ skipped 0 \+ unknown 0 \+ waiting 0/);
  assert.match(err, /1 failed: bad-input: .+ \(permanent\)\n(.*\n)? {2}line 4 {2}example\.com\/no-scheme/);
  assert.match(err, /1 failed: http-404 \(permanent\)\n(.*\n)? {2}line 5 {2}http/);
  assert.match(err, /Retry {5}holdfast run -o results --retry-failed/);
});

test("run exits with 4 after a failure that a retry may fix, and the same command fetches the rest", async (t) => {
  const scene = await setUp(t, { "*": page, "/busy": [respond(503), respond(503), page] });
  await scene.writeList(["/a", "/busy", "/b"]);
  const command = ["run", "urls.txt", "-o", "results", "--attempts", "2"];

  const first = await scene.run(...command);
  const second = await scene.run(...command);
  const third = await scene.run(...command);

  assert.equal(first.code, 4, first.err);
  assert.match(first.err, /1 failed: http-503 \(a retry may succeed\)/);
  assert.match(first.err, /Continue {2}holdfast run -o results\n$/);
  assert.equal(second.code, 0, second.err);
  assert.match(second.err, /^Continuing the run in results: 2 of 3 lines already done\n/);
  assert.equal(third.code, 0);
  assert.deepEqual(
    ["/a", "/b", "/busy"].map((path) => scene.origin.attempts(path)),
    [1, 1, 3],
  );
});

test("run fetches the new lines of a list, and permanent failures only with --retry-failed", async (t) => {
  const scene = await setUp(t, { "*": page, "/late": [respond(404), page] });
  await scene.writeList(["/late", "/a"]);
  const first = await scene.run("run", "urls.txt");
  await scene.writeList(["/late", "/a", "/b"]);

  const second = await scene.run("run", "urls.txt");
  const third = await scene.run("run", "urls.txt", "--retry-failed");

  assert.deepEqual([first.code, second.code, third.code], [3, 3, 0]);
  assert.match(third.err, /lines 3 = done 3 /);
  assert.deepEqual(
    ["/late", "/a", "/b"].map((path) => scene.origin.attempts(path)),
    [2, 1, 1],
  );
});

test("run reads the list from standard input, with or without -, and URLs from the command line", async (t) => {
  const scene = await setUp(t);
  const stdin = `${scene.origin.url}/1\r\n# no\n${scene.origin.url}/2`;

  const named = await startHoldfast(["run", "-", "-o", "named"], { cwd: scene.cwd, stdin }).ended;
  const unnamed = await startHoldfast(["run", "-o", "unnamed"], { cwd: scene.cwd, stdin }).ended;
  const urls = await scene.run("run", `${scene.origin.url}/1`, `${scene.origin.url}/2`, "-o", "urls");

  for (const { code, err } of [named, unnamed, urls]) {
    assert.equal(code, 0, err);
    assert.match(err, /lines 2 = done 2 /);
  }
});

test("run sends headers with every request and does not print their values", async (t) => {
  const scene = await setUp(t, { "*": respond(500) });

  const { err } = await scene.run(
    "run",
    `${scene.origin.url}/`,
    "-H",
    "Authorization: Bearer secret",
    "--attempts",
    "1",
  );

  assert.equal(scene.origin.requests[0]?.headers["authorization"], "Bearer secret");
  assert.match(err, /Continue {2}holdfast run -o results --header-env Authorization=AUTHORIZATION\n/);
  assert.doesNotMatch(err, /secret/);
});

test("--report json writes the report to standard output, --quiet writes nothing", async (t) => {
  const scene = await setUp(t);
  const url = `${scene.origin.url}/`;

  const json = await scene.run("run", url, "--report", "json", "--quiet");
  const quiet = await scene.run("run", url, "--quiet");

  const report: unknown = JSON.parse(json.out);
  assert.ok(typeof report === "object" && report !== null && "done" in report && "status" in report);
  assert.deepEqual([report.done, report.status, json.err], [1, "complete", ""]);
  assert.deepEqual(quiet, { code: 0, out: "", err: "" });
});

test("the first Ctrl-C finishes the requests in flight and exits with 130; the same command continues", async (t) => {
  const { routes, open } = gate();
  // An unknown host gets one request, until it responds.
  const scene = await setUp(t, { ...routes, "/1": page });
  await scene.writeList(paths(9));
  const command = ["run", "urls.txt", "--concurrency", "2"];
  const running = scene.start(...command);
  await waitUntil("two requests are in flight", () => scene.origin.requests.length === 3);

  running.signal("SIGINT");
  await waitUntil("it prints the message", () =>
    running
      .err()
      .includes("Interrupted: finishing the requests in flight (interrupt again to stop immediately)\n"),
  );
  open();
  const { code, err } = await running.ended;
  const again = await scene.run(...command);

  assert.equal(code, 130, err);
  assert.match(err, /Interrupted: 3 of 9 lines fetched .*\n {2}lines 9 = done 3 .* waiting 6\n/);
  assert.match(err, /Continue {2}holdfast run -o results\n$/);
  assert.equal(again.code, 0, again.err);
  assert.match(again.err, /Continuing the run in results: 3 of 9 lines already done/);
  assert.equal(scene.origin.requests.length, 9);
});

test("Ctrl-C ends a run whose list is still open", async (t) => {
  const scene = await setUp(t);
  const running = startHoldfast(["run", "-"], { cwd: scene.cwd, stdin: { open: `${scene.origin.url}/1\n` } });
  await waitUntil("the first line is fetched", () => scene.origin.requests.length === 1);

  running.signal("SIGINT");
  const { code, err } = await running.ended;

  assert.equal(code, 130, err);
  assert.match(err, /lines 1 = done 1 /);
});

test("the second Ctrl-C stops immediately and exits with 131, without losing a line", async (t) => {
  const { routes, open } = gate();
  const scene = await setUp(t, { ...routes, "/1": page });
  await scene.writeList(paths(5));
  const running = scene.start("run", "urls.txt", "--concurrency", "2");
  await waitUntil("two requests are in flight", () => scene.origin.requests.length === 3);

  running.signal("SIGINT");
  await waitUntil("it prints the message", () => running.err().includes("Interrupted"));
  // Two signals within 300 ms are one Ctrl-C that npm passed on.
  await pause(400);
  running.signal("SIGTERM");
  const { code, err } = await running.ended;
  open();
  const again = await scene.run("run", "urls.txt");

  assert.equal(code, 131, err);
  assert.match(err, /Stopping immediately: finished lines are kept\n/);
  assert.match(err, /lines 5 = done 1 .* waiting 4\n/);
  assert.equal(again.code, 0, again.err);
});

test("Ctrl-C does not wait for a Retry-After", async (t) => {
  const scene = await setUp(t, { "*": respond(429, { headers: { "retry-after": "60" } }) });
  const running = scene.start("run", `${scene.origin.url}/`);
  await waitUntil("the request was refused", () => scene.origin.requests.length === 1);
  await pause(200);
  const interruptedAt = performance.now();

  running.signal("SIGINT");
  const { code, err } = await running.ended;

  assert.equal(code, 130, err);
  assert.ok(performance.now() - interruptedAt < 10_000);
  assert.match(err, /lines 1 = done 0 \+ failed 0 \+ skipped 0 \+ unknown 0 \+ waiting 1\n/);
  assert.match(err, /1 waiting: http-429\n/);
  assert.match(err, /Continue {2}.+ \(first retry possible in .+\)\n$/);
  assert.equal(scene.origin.requests.length, 1);
});

test("get -v prints each attempt when it ends, before the call ends", async (t) => {
  const scene = await setUp(t, { "*": respond(429, { headers: { "retry-after": "60" } }) });
  const running = scene.start("get", "-v", `${scene.origin.url}/`);

  await waitUntil("the first attempt is printed", () => running.err().startsWith("attempt 1: 429 in "));

  running.signal("SIGTERM");
  await running.ended;
});

test("the same command continues a killed run", async (t) => {
  const { routes, open } = gate();
  const scene = await setUp(t, { ...routes, "/1": page, "/2": page });
  await scene.writeList(paths(6));
  const running = scene.start("run", "urls.txt", "--concurrency", "2");
  await waitUntil("two pages are fetched and two in flight", () => scene.origin.requests.length === 4);
  await waitUntil("the two are on disk", () => running.err() !== "");
  await pause(200);

  running.signal("SIGKILL");
  await running.ended;
  const broken = await scene.run("status", "results");
  open();
  const again = await scene.run("run", "urls.txt");

  assert.match(broken.out, /^Not finished, the process ended unexpectedly: 2 of 6 lines fetched/);
  assert.equal(again.code, 0, again.err);
  assert.match(again.err, /2 of 6 lines already done/);
  assert.deepEqual(
    ["/1", "/2"].map((path) => scene.origin.attempts(path)),
    [1, 1],
  );
});

test("status reports on a running run, and a second run in the same directory exits with 7", async (t) => {
  const { routes, open } = gate();
  const scene = await setUp(t, routes);
  const url = `${scene.origin.url}/`;
  const running = scene.start("run", url);
  await waitUntil("the request is in flight", () => scene.origin.requests.length === 1);

  const text = await scene.run("status", "results");
  const json = await scene.run("status", "results", "--json");
  const second = await scene.run("run", url);
  open();
  await running.ended;
  const after = await scene.run("status", "results");

  assert.match(text.out, /^Running: 0 of 1 line fetched/);
  assert.match(json.out, /"status": "running"/);
  assert.equal(second.code, 7);
  assert.match(second.err, /^holdfast run: .+\n/m);
  assert.doesNotMatch(second.err, /\n +at /);
  assert.match(after.out, /^1 of 1 line fetched/);
});

test("export writes JSON lines or files", async (t) => {
  const scene = await setUp(t, { "*": page });
  await scene.writeList(["/a", "/b", "nonsense"]);
  await scene.run("run", "urls.txt");

  const toPipe = await scene.run("export", "results");
  const toFile = await scene.run("export", "results", "-o", "results.jsonl");
  const toFiles = await scene.run("export", "results", "--format", "files", "-o", "pages");

  const rows = toPipe.out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { state: string; body?: string });
  assert.deepEqual(
    rows.map(({ state, body }) => [state, body]),
    [
      ["done", "hello\n"],
      ["done", "hello\n"],
      ["failed", undefined],
    ],
  );
  assert.equal(await readFile(join(scene.cwd, "results.jsonl"), "utf8"), toPipe.out);
  const files = (await readdir(join(scene.cwd, "pages"), { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile(),
  );
  assert.equal(files.length, 2);
  assert.deepEqual([toPipe.code, toFile.code, toFiles.code], [0, 0, 0]);
});

test("a command with an invalid header or a missing folder exits before any request", async (t) => {
  const scene = await setUp(t, { "*": page });
  await scene.writeList(["/a"]);

  const bad = ["-H", "X-Key: hunter2\u2603"];
  const runs = [
    await scene.run("run", ...bad, "urls.txt"),
    await scene.run("get", ...bad, `${scene.origin.url}/a`),
    await scene.run("export", "results", "-o", "nowhere/results.jsonl"),
    await scene.run("get", "-i", "-o", "nowhere/a", `${scene.origin.url}/a`),
  ];

  assert.deepEqual(
    runs.map(({ code, err }) => [code, err.split("\n")[0]]),
    [
      [2, "holdfast run: --header cannot send the value of X-Key: it has a character outside of Latin-1"],
      [2, "holdfast get: --header cannot send the value of X-Key: it has a character outside of Latin-1"],
      [2, "holdfast export: cannot write nowhere/results.jsonl: the folder nowhere does not exist"],
      [2, "holdfast get: cannot write nowhere/a: the folder nowhere does not exist"],
    ],
  );
  assert.equal(scene.origin.requests.length, 0);
  assert.deepEqual(await readdir(scene.cwd), ["urls.txt"]);
});

test("export leaves a body too large for a JSON line out of it, but not out of the files", async (t) => {
  const size = 65 * 2 ** 20;
  const scene = await setUp(t, { "/a": respond(200, { body: "x".repeat(size) }), "/b": page });
  await scene.writeList(["/a", "/b"]);
  await scene.run("run", "urls.txt");

  const jsonl = await scene.run("export", "results");
  const bare = await scene.run("export", "results", "--no-body");
  const files = await scene.run("export", "results", "--format", "files", "-o", "pages");

  const rows = jsonl.out.trimEnd().split("\n");
  assert.match(rows[0] ?? "", new RegExp(`"body":null,"bodyBytes":${size},"bodyOmitted":true}$`));
  assert.match(rows[1] ?? "", /"body":"hello\\n"}$/);
  assert.deepEqual(
    [jsonl.code, jsonl.err],
    [0, "holdfast export: 1 body is too large for JSON and left out (use --format files to get it)\n"],
  );
  assert.deepEqual([bare.code, bare.err, /body":|headers/.test(bare.out)], [0, "", false]);
  assert.equal(files.code, 0, files.err);
  const sizes = (await readdir(join(scene.cwd, "pages"), { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile(),
  );
  assert.equal(sizes.length, 2);
});

test("a body over --max-bytes fails permanently, and the advice names the option", async (t) => {
  const scene = await setUp(t, { "*": respond(200, { body: "x".repeat(20_000) }) });
  const url = `${scene.origin.url}/`;

  const run = await scene.run("run", url, "--max-bytes", "10k");
  const get = await scene.run("get", url, "--max-bytes", "10k");
  const raised = await scene.run("run", url, "--max-bytes", "20k", "--retry-failed");

  assert.equal(run.code, 3, run.err);
  assert.match(
    run.err,
    /1 failed: too-large \(permanent\)\n {2}Raise --max-bytes, or request a smaller response\n/,
  );
  assert.deepEqual([get.code, get.out], [3, ""]);
  assert.match(get.err, /^holdfast get: .+\n {2}Raise --max-bytes, or request a smaller response\n$/);
  assert.equal(raised.code, 0, raised.err);
});

test("a closed pipe, as by head, is not a failure", async (t) => {
  const scene = await setUp(t, { "*": respond(200, { body: "x".repeat(100_000) }) });
  await scene.writeList(paths(30));
  await scene.run("run", "urls.txt");

  const running = scene.start("export", "results");
  running.stopReading();
  const { code, err } = await running.ended;

  assert.deepEqual({ code, err }, { code: 0, err: "" });
});

test("get -o resumes a killed download and checks the digest", async (t) => {
  const body = Buffer.alloc(300_000, "0123456789");
  const tag = { etag: '"1"' };
  const stalled = stall(respond(200, { headers: tag, body }), { atBody: 200_000, pause: 30_000 });
  const scene = await setUp(t, {
    "/big": [stalled, ranged({ body, ...tag })],
    "/other": ranged({ body, ...tag }),
    "/gone": respond(404, { body: "no such page" }),
  });
  const at = (path: string): string => `${scene.origin.url}${path}`;
  const digest = `sha-256=${createHash("sha256").update(body).digest("hex")}`;
  const part = join(scene.cwd, "big.bin.part");

  const killed = scene.start("get", at("/big"), "-o", "big.bin");
  await waitUntil("200 000 bytes are there", () => existsSync(part) && statSync(part).size === 200_000);
  killed.signal("SIGKILL");
  await killed.ended;
  const again = await scene.run("get", at("/big"), "-o", "big.bin", "--digest", digest);
  const gone = await scene.run("get", at("/gone"), "-o", "gone.bin");
  const wrong = await scene.run(
    "get",
    at("/other"),
    "-o",
    "other.bin",
    "--digest",
    digest.replace(/.$/, "_"),
  );
  const spoilt = await scene.run(
    "get",
    at("/other"),
    "-o",
    "other.bin",
    "--digest",
    `sha-256=${"0".repeat(64)}`,
  );
  const without = await scene.run("get", at("/other"), "--digest", digest);

  assert.deepEqual(again, { code: 0, out: "", err: "" });
  assert.ok(body.equals(await readFile(join(scene.cwd, "big.bin"))));
  assert.equal(scene.origin.requests[1]?.headers["range"], "bytes=200000-");
  assert.deepEqual([gone.code, wrong.code, spoilt.code, without.code], [3, 2, 3, 2]);
  assert.match(gone.err, /^holdfast get: http-404/);
  assert.match(spoilt.err, /expected sha-256 0000/);
  assert.deepEqual(
    (await readdir(scene.cwd)).filter((name) => name.includes(".bin")),
    ["big.bin"],
  );
});

test("get writes the body, and its exit code distinguishes success, permanent and temporary failure", async (t) => {
  const port = await refusedPort();
  const scene = await setUp(t, {
    "/a": page,
    "/busy": [respond(503), page],
    "/down": respond(503, { body: "down" }),
    "/gone": respond(404),
  });
  const at = (path: string): string => `${scene.origin.url}${path}`;

  const plain = await scene.run("get", at("/a"));
  const include = await scene.run("get", "-i", at("/a"));
  const verbose = await scene.run("get", "-v", at("/busy"), "-o", "busy.txt");
  const down = await scene.run("get", at("/down"), "--attempts", "1");
  const gone = await scene.run("get", at("/gone"));
  const refused = await scene.run("get", `http://127.0.0.1:${port}/`, "--attempts", "1");

  assert.deepEqual(plain, { code: 0, out: "hello\n", err: "" });
  assert.match(include.out, /^HTTP 200 OK\r\n(.+\r\n)*content-type: text\/plain\r\n(.+\r\n)*\r\nhello\n$/);
  assert.match(verbose.err, /^attempt 1: 503 in .+, retrying in .+\nattempt 2: 200 in .+\n$/);
  assert.equal(await readFile(join(scene.cwd, "busy.txt"), "utf8"), "hello\n");
  assert.deepEqual([down.code, down.out], [4, "down"]);
  assert.match(down.err, /^holdfast get: http-503/);
  assert.deepEqual([gone.code, refused.code], [3, 4]);
  assert.match(refused.err, /^holdfast get: .+\n( {2}.+\n)?$/);
});
