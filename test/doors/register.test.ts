import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  cut,
  faultOrigin,
  refusedPort,
  respond,
  silence,
  type FaultOrigin,
  type Routes,
} from "@holdfast/http/testing";

const root = join(import.meta.dirname, "../..");
const programs = join(import.meta.dirname, "programs/unchanged");
const preloads = join(import.meta.dirname, "preloads");

const nodes: Readonly<Record<string, string>> = {
  "22": join(root, "test/platforms/nodes/node_modules/node22/bin/node"),
  "24": process.execPath,
  "26": join(root, "test/platforms/nodes/node_modules/node26/bin/node"),
};

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Run {
  readonly node?: string | undefined;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Preloaded before and after holdfast. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  readonly cwd?: string;
}

/** Runs a program in which no line mentions holdfast. */
function run({
  node = process.execPath,
  program,
  args,
  env = {},
  before = [],
  after = [],
  cwd = root,
}: Run): Promise<Outcome> {
  const register = join(root, "packages/holdfast/src/entries/register.ts");
  const imports = [...before, register, ...after].flatMap((file) => ["--import", file]);
  const child = spawn(node, ["--conditions=source", ...imports, program, ...args], {
    cwd,
    env: { ...process.env, NO_PROXY: "*", NODE_OPTIONS: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (piece: Buffer) => (stdout += piece.toString()));
  child.stderr.on("data", (piece: Buffer) => (stderr += piece.toString()));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

/** Both routes limit once and fail once. */
function failing(): Promise<FaultOrigin> {
  const script = [
    respond(429, { headers: { "retry-after": "0" } }),
    respond(503),
    respond(200, { body: "fine" }),
  ];
  return faultOrigin({ routes: { "/get": script, "/put": script } });
}

const files = (await readdir(programs)).filter((file) => file !== "details.mjs");

test("unchanged programs survive a server that limits and fails", { concurrency: 2 }, async (t) => {
  await Promise.all(
    files.map((file) =>
      t.test(file, async () => {
        await using origin = await failing();

        const { code, stdout, stderr } = await run({ program: join(programs, file), args: [origin.url] });

        assert.equal(code, 0, stderr);
        assert.equal(stdout.trim(), '[200,"fine",200,"fine"]');
        assert.match(stderr, /^holdfast: 2 requests; retries: 4 \(2 × 429, 2 × 503\)\n$/);
        const bodies = origin.requests.filter(({ target }) => target === "/put");
        assert.deepEqual(
          bodies.map(({ body }) => body.toString()),
          ["payload", "payload", "payload"],
        );
      }),
    ),
  );
});

/** Runs all programs in one process, each with one of the URLs. */
async function runAll(urls: readonly string[], how: Partial<Run> = {}): Promise<Outcome> {
  const args = files.flatMap((file, index) => [urls[index] ?? "", join(programs, file)]);
  return run({ ...how, program: join(import.meta.dirname, "programs/run-all.mjs"), args });
}

for (const version of ["22", "26"]) {
  test(`unchanged programs survive such servers in one process on Node ${version}`, async (t) => {
    const origins = await Promise.all(files.map(() => failing()));
    t.after(() => Promise.all(origins.map((origin) => origin.close())));
    const urls = origins.map(({ url }) => url);

    const { code, stdout, stderr } = await runAll(urls, { node: nodes[version] });

    assert.equal(code, 0, stderr);
    assert.deepEqual(
      stdout.trim().split("\n"),
      files.map(() => '[200,"fine",200,"fine"]'),
    );
    for (const { requests } of origins)
      assert.deepEqual(
        requests.filter(({ target }) => target === "/put").map(({ body }) => body.toString()),
        ["payload", "payload", "payload"],
      );
  });
}

const detailRoutes: Routes = {
  "/kept": [
    respond(503),
    respond(200, {
      body: "kept",
      headers: [
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
      ],
    }),
  ],
  "/gzip": [respond(503), respond(200, { body: "x".repeat(50_000), coding: "gzip" })],
  "/upload": respond(201, { body: "stored" }),
  "/cut": cut(respond(200, { body: "z".repeat(1_000) }), { beforeEnd: 10 }),
  "/silent": silence(),
  "/other": respond(200, { body: "direct" }),
};

for (const [version, node] of Object.entries(nodes)) {
  test(`node:http keeps its events, headers, codings and error codes, on Node ${version}`, async () => {
    await using origin = await faultOrigin({ routes: detailRoutes });
    const refused = `http://127.0.0.1:${await refusedPort()}/`;

    const { code, stdout, stderr } = await run({
      node,
      program: join(programs, "details.mjs"),
      args: [origin.url, refused],
      env: { HOLDFAST_RETRY: "1" },
    });

    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      kept: [200, "OK", ["a=1", "b=2"], "kept"],
      gzip: ["gzip", 50_000],
      head: [200, "4", ""],
      upload: [201, "stored"],
      refused: "ECONNREFUSED",
      cut: "ECONNRESET",
      timeout: "LATE",
      abort: "ABORT_ERR",
      other: [200, "direct"],
    });
    const [kept] = origin.requests;
    assert.equal(kept?.headers["host"], "name.test");
    assert.match(String(kept?.headerLines), /X-CamelCase,1/);
    assert.equal(origin.requests.find(({ target }) => target === "/upload")?.body.toString(), "abcdef");
    assert.match(stderr, /not reached: 1 × node:http with another agent \(OtherAgent\)\n$/);
  });
}

for (const [order, list] of [
  ["before", "before"],
  ["after", "after"],
] as const) {
  test(`msw that is loaded ${order} holdfast mocks the requests of unchanged programs`, async () => {
    const urls = files.map(() => "http://mocked.test");

    const { code, stdout, stderr } = await runAll(urls, { [list]: [join(preloads, "msw.mjs")] });

    assert.equal(code, 0, stderr);
    assert.deepEqual(
      stdout.trim().split("\n"),
      files.map(() => '[200,"mocked get",200,"mocked payload"]'),
    );
  });

  test(`OpenTelemetry that is loaded ${order} holdfast sees each attempt`, async () => {
    for (const file of ["fetch.mjs", "http.mjs"]) {
      await using origin = await failing();

      const { code, stdout, stderr } = await run({
        program: join(programs, file),
        args: [origin.url],
        [list]: [join(preloads, "opentelemetry.mjs")],
      });

      assert.equal(code, 0, stderr);
      const [result, spans] = stdout.trim().split("\n");
      assert.equal(result, '[200,"fine",200,"fine"]');
      assert.equal(spans, '{"spans":[429,503,200,429,503,200]}');
      assert.ok(origin.requests.every(({ headers }) => headers["traceparent"] !== undefined));
    }
  });
}

test("a program that sets its own dispatcher is not reached, and the line says so", async () => {
  await using origin = await failing();

  const { stdout, stderr } = await run({
    program: join(import.meta.dirname, "programs/unchanged-own-dispatcher.mjs"),
    args: [origin.url],
  });

  assert.equal(stdout.trim(), "[429]");
  assert.match(stderr, /not reached: .*setGlobalDispatcher/);
});

test("HOLDFAST=off changes nothing", async () => {
  await using origin = await failing();

  const { code, stderr, stdout } = await run({
    program: join(programs, "fetch.mjs"),
    args: [origin.url],
    env: { HOLDFAST: "off", HOLDFAST_RETRY: "wrong" },
  });

  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(stdout.trim(), '[429,"",429,""]');
});

async function configFolder(t: TestContext, config: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-register-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "holdfast.config.json"), config);
  return folder;
}

test("holdfast.config.json sets options, and variables replace them", async (t) => {
  const cwd = await configFolder(t, '{ "retry": 0, "headers": { "x-from": "file" } }');
  await using origin = await failing();
  const program = join(programs, "fetch.mjs");

  const byFile = await run({ program, args: [origin.url], cwd });
  const byVariable = await run({
    program,
    args: [origin.url],
    cwd,
    env: { HOLDFAST_RETRY: "5", HOLDFAST_REPORT: "off" },
  });

  assert.equal(byFile.stdout.trim(), '[429,"",429,""]');
  assert.match(byFile.stderr, /^holdfast: 2 requests, 2 without success; retries: none\n$/);
  assert.equal(byVariable.stdout.trim(), '[200,"fine",200,"fine"]');
  assert.equal(byVariable.stderr, "");
  assert.equal(origin.requests[0]?.headers["x-from"], "file");
});

const wrong: readonly (readonly [
  what: string,
  env: Record<string, string>,
  config: string,
  message: RegExp,
])[] = [
  [
    "an unknown variable",
    { HOLDFAST_RETRIES: "5" },
    "{}",
    /HOLDFAST_RETRIES is not a setting. Use one of HOLDFAST_RETRY/,
  ],
  ["a wrong value", { HOLDFAST_TIMEOUT: "soon" }, "{}", /HOLDFAST_TIMEOUT: Session\.timeout/],
  [
    "an unknown option in the file",
    {},
    '{ "retries": 5 }',
    /holdfast\.config\.json: .*has no option "retries"/,
  ],
  ["a file that is not JSON", {}, "{", /holdfast\.config\.json must be a file with a JSON object/],
  ["a file that is missing", { HOLDFAST_CONFIG: "/missing.json" }, "{}", /\/missing\.json must be a file/],
];

for (const [what, env, config, message] of wrong) {
  test(`${what} ends the program with a message`, async (t) => {
    const cwd = await configFolder(t, config);

    const { code, stderr } = await run({
      program: join(programs, "fetch.mjs"),
      args: ["http://127.0.0.1:1"],
      cwd,
      env,
    });

    assert.notEqual(code, 0);
    assert.match(stderr, message);
  });
}
