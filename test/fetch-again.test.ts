import assert from "node:assert/strict";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { faultOrigin, respond, type FaultOrigin, type Routes } from "@holdfast/http/testing";
import { readReport, readResults } from "@holdfast/runner";
import { startHoldfast, waitUntil, type HoldfastResult, type RunningHoldfast } from "./support/holdfast.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

interface Scene {
  readonly origin: FaultOrigin;
  readonly directory: string;
  readonly run: (...args: readonly string[]) => Promise<HoldfastResult>;
  readonly start: (...args: readonly string[]) => RunningHoldfast;
  /** Returns `path state body` of every line. */
  readonly rows: () => readonly string[];
}

async function setUp(t: TestContext, routes: Routes, ...paths: readonly string[]): Promise<Scene> {
  const origin = await faultOrigin({ routes });
  const folder = await temporaryDirectory("again");
  t.after(async () => {
    await origin.close();
    await folder[Symbol.asyncDispose]();
  });
  const cwd = folder.path;
  const directory = join(cwd, "results");
  writeFileSync(join(cwd, "urls.txt"), paths.map((path) => `${origin.url}${path}\n`).join(""));
  return {
    origin,
    directory,
    run: (...args) => startHoldfast(args, { cwd }).ended,
    start: (...args) => startHoldfast(args, { cwd }),
    rows: () =>
      [...readResults(directory)].map(
        ({ url, state, body }) =>
          `${url.replace(origin.url, "")} ${state} ${String(Buffer.from(body ?? []))}`,
      ),
  };
}

/** Routes whose pages have the number of the request in their body. */
function counting(): Routes {
  let count = 0;
  return { "*": () => respond(200, { body: `page ${(count += 1)}` }) };
}

test("--retry-failed takes only the lines of --where up again", async (t) => {
  const routes = { "/gone": [respond(404), respond(200)], "/no": [respond(403), respond(200)] };
  const { run, rows, origin } = await setUp(t, routes, "/gone", "/no");
  await run("run", "urls.txt");

  const { code } = await run("run", "-o", "results", "--retry-failed", "--where", "status = 404");

  assert.equal(code, 3);
  assert.deepEqual(rows(), ["/gone done ", "/no failed "]);
  assert.equal(origin.requests.length, 3);
});

test("--refetch replaces the results of its URLs, and keeps an old one until a new one comes", async (t) => {
  const { run, rows, directory, origin } = await setUp(t, counting(), "/a/1", "/a/2", "/b");
  await run("run", "urls.txt", "-j", "1");
  const before = rows();

  const one = await run("run", "-o", "results", "--refetch", `${origin.url}/b`);
  const none = await run("run", "-o", "results", "--refetch", `${origin.url}/c`);
  const many = await run("run", "-o", "results", "--refetch", "*/a/*", "--where", "line > 1");
  const useless = await run("run", "-o", "results", "--where", "line > 1");

  assert.deepEqual(before, ["/a/1 done page 1", "/a/2 done page 2", "/b done page 3"]);
  assert.deepEqual([one.code, none.code, many.code, useless.code], [0, 2, 0, 2]);
  assert.match(none.err, /--refetch is not a URL of the run in results, got ".*\/c"/);
  assert.match(useless.err, /--where requires --retry-failed, --refetch URL or --refresh/);
  assert.deepEqual(rows(), ["/a/1 done page 1", "/a/2 done page 5", "/b done page 4"]);
  assert.equal(readReport(directory).attempts, 5);
});

test("--refresh keeps a body that the server confirms, and replaces another", async (t) => {
  let version = 1;
  const routes: Routes = {
    "/tagged": ({ headers }) =>
      headers["if-none-match"] === `"v${version}"`
        ? respond(304)
        : respond(200, { headers: { etag: `"v${version}"` }, body: `tagged ${version}` }),
    "/dated": ({ headers }) =>
      headers["if-modified-since"] === undefined
        ? respond(200, { headers: { "last-modified": "Mon, 02 Mar 2026 10:00:00 GMT" }, body: "dated" })
        : respond(304),
    "/plain": () => respond(200, { body: `plain ${version}` }),
    "/gone": respond(404),
  };
  const { run, rows, origin, directory } = await setUp(t, routes, "/tagged", "/dated", "/plain", "/gone");
  await run("run", "urls.txt");
  const same = await run("run", "-o", "results", "--refresh");
  const confirmed = rows();
  version = 2;
  const changed = await run("run", "-o", "results", "--refresh", "--where", "url ~ tagged$");

  assert.deepEqual([same.code, changed.code], [3, 3], same.err);
  assert.deepEqual(confirmed, [
    "/tagged done tagged 1",
    "/dated done dated",
    "/plain done plain 1",
    "/gone failed ",
  ]);
  assert.deepEqual(rows()[0], "/tagged done tagged 2");
  const statuses = [...readResults(directory)].map(({ status }) => status);
  assert.deepEqual(statuses, [200, 200, 200, 404]);
  assert.deepEqual(
    ["/tagged", "/dated", "/plain", "/gone"].map((path) => origin.attempts(path)),
    [3, 2, 2, 1],
  );
});

test("a refresh that is killed goes on with its conditions, and loses no result", async (t) => {
  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof respond>>();
  let isFirst = true;
  const routes: Routes = {
    "*": ({ headers }) => {
      if (headers["if-none-match"] === undefined)
        return respond(200, { headers: { etag: '"v1"' }, body: "body" });
      if (!isFirst) return respond(304);
      isFirst = false;
      return promise;
    },
  };
  const { run, start, rows, directory } = await setUp(t, routes, "/1", "/2");
  await run("run", "urls.txt");
  const running = start("run", "-o", "results", "--refresh", "-j", "1");
  await waitUntil("a request is in flight", () => !isFirst);
  const { lines, done, waiting } = readReport(directory);
  running.signal("SIGKILL");
  await running.ended;
  resolve(respond(304));

  const { code, err } = await run("run", "-o", "results");

  assert.deepEqual([lines, done, waiting], [2, 0, 2]);
  assert.equal(code, 0, err);
  assert.deepEqual(rows(), ["/1 done body", "/2 done body"]);
});

test("compact frees bodies that were replaced, and keeps the others", async (t) => {
  const random = (length: number): string =>
    Array.from({ length }, () => Math.random().toString(36).slice(2)).join("");
  const bodies = [random(20_000), random(20_000), random(20_000)];
  let count = 0;
  const routes: Routes = { "*": () => respond(200, { body: bodies[(count += 1) - 1] ?? "late" }) };
  const { run, rows, directory, origin } = await setUp(t, routes, "/1", "/2");
  await run("run", "urls.txt", "-j", "1");
  await run("run", "-o", "results", "--refetch", `${origin.url}/1`);
  const size = (): number =>
    readdirSync(join(directory, "segments"))
      .map((name) => statSync(join(directory, "segments", name)).size)
      .reduce((sum, each) => sum + each, 0);
  const before = size();

  const first = await run("compact", "results");
  const after = size();
  const again = await run("compact", "results");
  const { code, err } = await run("run", "-o", "results", "--refetch", `${origin.url}/2`);

  assert.match(first.err, /^\d+ kB freed in results\n$/);
  assert.ok(after < 0.75 * before && after > 0.5 * before, `${before} ${after}`);
  assert.equal(again.err, "0 B freed in results\n");
  assert.equal(code, 0, err);
  assert.deepEqual(rows(), [`/1 done ${bodies[2]}`, "/2 done late"]);
});

test("export and status show only the lines of --where", async (t) => {
  const { run } = await setUp(t, { "*": respond(200), "/gone": respond(404) }, "/1", "/gone");
  await run("run", "urls.txt");

  const exported = await run("export", "results", "--no-body", "--where", "status = 404 or line > 5");
  const status = await run("status", "results", "--where", "state = failed");
  const wrong = await run("export", "results", "--where", "staus = 404");

  assert.match(exported.out, /^\{"line":2,[^\n]*"status":404,[^\n]*\}\n$/);
  assert.match(status.out, /lines 1 = done 0 \+ failed 1 .*\n[^]*1 failed: http-404/);
  assert.equal(wrong.code, 2);
  assert.match(
    wrong.err,
    /--where "staus = 404", at character 1: unknown field "staus" \(did you mean status\?\)\n/,
  );
});
