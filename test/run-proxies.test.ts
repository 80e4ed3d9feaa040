import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdDecompressSync } from "node:zlib";
import { faultOrigin, respond } from "@holdfast/http/testing";
import { readReport, readResults, type RunReport } from "@holdfast/runner";
import { certificates } from "./support/certificates.ts";
import { fleet, type Fleet, type FleetKind, type FleetProxy } from "./support/fleet.ts";
import { runHoldfast, holdfastCommand } from "./support/holdfast.ts";
import { listSecretForms } from "./support/secret-forms.ts";
import { temporaryDirectory, type TemporaryDirectory } from "./support/temporary-directory.ts";

const user = "ada.lovelace";
const password = "s3cr%t=l+ve";
const concurrency = 32;

/** The proxies of a fleet as vendors write them, each form in turn, with credentials that none of them asks for. */
function vendorList(proxies: readonly FleetProxy[]): string {
  const lines = proxies.map(({ kind, url }, index) => {
    const { host } = new URL(url);
    // Who asks for credentials is given none.
    if (kind === "locked") return host;
    const forms = [
      `${host}:${user}:${password}`,
      `${user}:${password}@${host}`,
      `http://${user}:${encodeURIComponent(password)}@${host}`,
    ];
    return forms[index % forms.length];
  });
  return ["# 20 proxies", ...lines, ""].join("\n");
}

interface Scene extends AsyncDisposable {
  readonly site: Fleet;
  readonly cwd: string;
  readonly command: readonly string[];
}

async function scene(options: Parameters<typeof fleet>[0]): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const site = stack.use(await fleet(options));
  const directory: TemporaryDirectory = stack.use(await temporaryDirectory("run-proxies"));
  const cwd = directory.path;
  await writeFile(join(cwd, "urls.txt"), site.paths.map((path) => `${site.url}${path}\n`).join(""));
  await writeFile(join(cwd, "proxies.txt"), vendorList(site.proxies));
  const limits = ["-j", String(concurrency), "--per-host", String(concurrency)];
  const command = [
    "run",
    "urls.txt",
    "-o",
    "out",
    "--proxies",
    "proxies.txt",
    "--cooldown",
    "400ms",
    ...limits,
  ];
  return { site, cwd, command, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function assertAddsUp({ lines, done, failed, skipped, unknown, waiting }: RunReport): void {
  assert.equal(lines, done + failed + skipped + unknown + waiting);
}

/** Asserts that every page equals the site's. */
function assertPages(directory: string, count: number): void {
  const pages = [...readResults(directory)].map(({ url, state, body }) => [
    Number(url.slice(-4)),
    state,
    Buffer.from(body ?? []).toString(),
  ]);
  assert.deepEqual(
    pages,
    Array.from({ length: count }, (_, number) => [number, "done", `page ${number}`]),
  );
}

/** The name by which a report shows a proxy. */
const labelOf = ({ url }: FleetProxy): string => new URL(url).origin;

type Figures = NonNullable<RunReport["proxies"]>["byProxy"][number];

/** What a report says of the proxies of a kind. */
function figuresOf(
  report: RunReport,
  site: Fleet,
  kind: FleetKind,
): readonly (readonly [FleetProxy, Figures])[] {
  const each = new Map(report.proxies?.byProxy.map((figures) => [figures.proxy, figures]));
  return site.proxies
    .filter((proxy) => proxy.kind === kind)
    .map((proxy) => {
      const figures = each.get(labelOf(proxy));
      assert.ok(figures !== undefined, labelOf(proxy));
      return [proxy, figures] as const;
    });
}

/** Asserts that a bad proxy carried only the requests before its first failure, and one request after each cooldown. */
function assertRested(report: RunReport, site: Fleet): void {
  const shareAtFirst = Math.ceil(concurrency / site.proxies.length) + 1;
  for (const [kind, reason] of [
    ["banned", "http-403"],
    ["dead", "proxy"],
    ["locked", "proxy-auth"],
  ] as const) {
    for (const [, { requests, successes, cooldowns, cooldownReasons }] of figuresOf(report, site, kind)) {
      assert.deepEqual([successes, Object.keys(cooldownReasons)], [0, [reason]]);
      assert.ok(cooldowns >= 1);
      assert.ok(
        requests <= shareAtFirst + cooldowns - 1,
        `${requests} requests in ${cooldowns} cooldowns of a ${kind} one`,
      );
    }
  }
}

/** Asserts that the report matches the site's counts per address, and that the good proxies shared the work. */
async function assertSeen(report: RunReport, site: Fleet): Promise<void> {
  const seen = await site.seen();
  const perAddress = Map.groupBy(seen, ({ address }) => address);
  const requestsOf = ({ address }: FleetProxy): number => perAddress.get(address ?? "")?.length ?? 0;
  assert.equal(seen.filter(({ status }) => status === 200).length, report.lines);
  assert.ok(seen.every(({ proxyAuthorization }) => proxyAuthorization === ""));
  for (const [proxy, { requests, blocks }] of figuresOf(report, site, "banned"))
    assert.deepEqual([requests, blocks], [requestsOf(proxy), requestsOf(proxy)]);
  const working = [...figuresOf(report, site, "good"), ...figuresOf(report, site, "slow")];
  for (const [proxy, { cooldowns, successes }] of working) {
    assert.deepEqual([cooldowns, successes], [0, requestsOf(proxy)]);
    assert.ok(successes >= 0.5 * (report.lines / working.length), `${successes} requests`);
  }
}

/** For a person: the worst first, with the reason. */
function assertTold(text: string, site: Fleet): void {
  const rows = [...text.matchAll(/^ {2}(http:\S+) +[\d,]+ .* {2}(\S.*)$/gm)];
  assert.equal(rows.length, 20);
  const worst = new Map(rows.slice(0, 9).map(([, proxy = "", state = ""]) => [proxy, state]));
  const reasons: Partial<Record<FleetKind, string>> = {
    banned: "http-403",
    dead: "down",
    locked: "proxy-auth",
  };
  for (const proxy of site.proxies) {
    const reason = reasons[proxy.kind];
    const told = worst.get(labelOf(proxy));
    if (reason === undefined) assert.equal(told, undefined);
    else assert.match(told ?? "", new RegExp(`\\(${reason}\\b`));
  }
}

test("a run of 5,000 pages through 20 proxies, 9 of them bad, fetches every page and reports the bad ones with reasons", async (t) => {
  const pages = 5_000;
  await using world = await scene({ pages, slowness: 1_500 });
  const { site, cwd, command } = world;
  const began = performance.now();

  const { code, stdout, stderr } = await runHoldfast([...command, "--rotation", "least-used"], { cwd });

  t.diagnostic(`${Math.round(performance.now() - began)} ms`);
  assert.equal(code, 0, stderr);
  const report = readReport(join(cwd, "out"));
  assertAddsUp(report);
  assert.deepEqual([report.lines, report.done, report.status], [pages, pages, "complete"]);
  assertPages(join(cwd, "out"), pages);
  assertRested(report, site);
  await assertSeen(report, site);
  assertTold(stderr, site);
  const status = await runHoldfast(["status", "out"], { cwd });
  assertTold(status.stdout, site);
  assert.match(
    status.stdout,
    /^Proxies {3}20 \(\d+ [\w ]+, \d+ [\w ]+(?:, \d+ [\w ]+)?\): [\d,]+ requests, 5,000 ok/m,
  );
  const records = assertNoSecrets(cwd, { stdout, stderr, status: status.stdout });
  assert.match(records, /"proxy":"http:\/\/127\.0\.0\.1:\d+"/);
});

/** Nothing that the program wrote holds a credential, in any form; gives the records of the exchanges. */
function assertNoSecrets(cwd: string, texts: Readonly<Record<string, string>>): string {
  const secrets = listSecretForms(user, password);
  const files = readdirSync(join(cwd, "out"), { recursive: true, encoding: "utf8" })
    .map((name) => join(cwd, "out", name))
    .filter((path) => statSync(path).isFile());
  assert.ok(files.some((path) => path.endsWith("ledger.db")));
  for (const secret of secrets) {
    for (const [name, text] of Object.entries(texts))
      assert.ok(!text.includes(secret), `${secret} in ${name}`);
    for (const path of files) assert.ok(!readFileSync(path).includes(secret), `${secret} in ${path}`);
  }
  // The records of attempts lie compressed in the segments.
  const segments = files.filter((path) => path.includes("segments"));
  const records = segments.map((path) => unpacked(readFileSync(path))).join("");
  for (const secret of secrets) assert.ok(!records.includes(secret), `${secret} in the records`);
  return records;
}

/** A segment as text: before each compressed frame stand sixteen bytes that tell its length. */
function unpacked(segment: Buffer): string {
  const texts: string[] = [];
  for (let at = 0; at + 16 <= segment.length; at += 16 + segment.readUInt32LE(at + 8)) {
    const frame = segment.subarray(at + 16, at + 16 + segment.readUInt32LE(at + 8));
    texts.push(zstdDecompressSync(frame).toString("latin1"));
  }
  return texts.join("");
}

test("a killed run through proxies continues, and so do its counts", async () => {
  const pages = 1_500;
  await using world = await scene({ pages, slowness: 300 });
  const { site, cwd, command } = world;
  const [node, ...before] = holdfastCommand;
  let killed = 0;
  for (const share of [0.2, 0.6]) {
    const child = spawn(node, [...before, ...command], { cwd, stdio: ["ignore", "ignore", "pipe"] });
    const closed = once(child, "close");
    const deadline = performance.now() + 30_000;
    while ((await site.seen()).length < share * pages && performance.now() < deadline) await sleep(20);
    const files = readdirSync(join(cwd, "out")).map((name) => join(cwd, "out", name));
    const secrets = listSecretForms(user, password);
    // While it runs: the log of the database and the process's own title.
    const title = readFileSync(`/proc/${child.pid}/cmdline`, "utf8");
    for (const secret of secrets) {
      assert.ok(!title.includes(secret));
      for (const path of files.filter((it) => statSync(it).isFile()))
        assert.ok(!readFileSync(path).includes(secret), path);
    }
    killed += Number(child.kill("SIGKILL"));
    await closed;
    assertAddsUp(readReport(join(cwd, "out")));
  }
  const broken = readReport(join(cwd, "out"));

  const { code, stderr } = await runHoldfast(command, { cwd });

  assert.equal(killed, 2);
  assert.equal(broken.status, "interrupted");
  assert.ok(broken.done > 0 && broken.waiting > 0, `${broken.done} done, ${broken.waiting} waiting`);
  assert.equal(code, 0, stderr);
  const report = readReport(join(cwd, "out"));
  assert.deepEqual([report.done, report.lines], [pages, pages]);
  assertPages(join(cwd, "out"), pages);
  const ok = (await site.seen()).filter(({ status }) => status === 200).length;
  // Only requests in flight, or before their commit, are fetched again.
  assert.ok(ok <= pages + 2 * (concurrency + 100), `${ok} pages sent`);
  assert.ok((report.proxies?.totals.requests ?? 0) >= broken.waiting);
});

test("a run exits with 8 if every proxy rejects the credentials, and continues with better ones", async () => {
  const pages = 300;
  const counts = { good: 1, banned: 0, dead: 0, slow: 0, locked: 4 };
  await using world = await scene({ pages, counts });
  const { site, cwd, command } = world;
  const locked = site.proxies.filter(({ kind }) => kind === "locked");
  const wrong = `${user}:${password}`;
  const list = (credentials: string): string =>
    locked.map(({ url }) => `${new URL(url).host}:${credentials}\n`).join("");
  await writeFile(join(cwd, "proxies.txt"), list(wrong));

  const refused = await runHoldfast(command, { cwd });
  const report = readReport(join(cwd, "out"));
  const atOrigin = (await site.seen()).length;
  await writeFile(join(cwd, "proxies.txt"), list("ada:love-lace"));
  const again = await runHoldfast(command, { cwd });

  assert.equal(refused.code, 8, refused.stderr);
  assert.match(
    refused.stderr,
    /^Stopped, no proxy left: 0 of \d+ lines fetched .*\n.*\n {2}No proxy is left: all 4 are out of use \(4 proxy-auth\)\n/m,
  );
  assert.match(refused.stderr, /Continue {2}holdfast run -o out\n/);
  assert.deepEqual([report.status, report.failed, report.done, atOrigin], ["no-proxy", 0, 0, 0]);
  // Four attempts of those that were under way, and no more.
  assert.ok((report.proxies?.totals.requests ?? 0) <= 4 * concurrency);
  const { stdout, stderr } = refused;
  assertNoSecrets(cwd, { stdout, stderr });
  assert.equal(again.code, 0, again.stderr);
  assert.equal(readReport(join(cwd, "out")).done, pages);
});

test("addresses that the site limits enter cooldown, and a refused page arrives through another", async () => {
  const pages = 200;
  const counts = { good: 5, banned: 0, dead: 0, slow: 0, locked: 0 };
  await using world = await scene({ pages, counts, allowance: { burst: 20, perSecond: 10 } });
  const { site, cwd, command } = world;

  const { code, stderr } = await runHoldfast([...command, "--cooldown", "500ms", "-j", "8"], { cwd });

  assert.equal(code, 0, stderr);
  assert.equal(readReport(join(cwd, "out")).done, pages);
  assert.ok((await site.seen()).some(({ status }) => status === 429));
  assert.match(stderr, /http-429/);
});

test("addresses with a limit of concurrent requests enter cooldown, and their pages arrive through others", async () => {
  const pages = 40;
  const counts = { good: 4, banned: 0, dead: 0, slow: 0, locked: 0 };
  await using world = await scene({ pages, counts, connections: 3 });
  const { site, cwd, command } = world;

  const { code, stderr } = await runHoldfast([...command, "--cooldown", "500ms", "-j", "20"], { cwd });

  assert.equal(code, 0, stderr);
  assertPages(join(cwd, "out"), pages);
  assert.ok((await site.seen()).some(({ status }) => status === 429));
  assert.match(stderr, /http-429/);
});

test("a run fetches a secure site through tunnels of twenty proxies, and the site sees no credentials", async () => {
  const pages = 400;
  const { good, ca } = await certificates();
  await using world = await scene({ pages, slowness: 300, certificate: good });
  const { site, cwd, command } = world;
  await writeFile(join(cwd, "ca.pem"), ca.cert);
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(cwd, "ca.pem") };

  const { code, stdout, stderr } = await runHoldfast([...command, "--rotation", "least-used"], { cwd, env });

  assert.equal(code, 0, stderr);
  const report = readReport(join(cwd, "out"));
  assertPages(join(cwd, "out"), pages);
  assertRested(report, site);
  assert.ok((await site.seen()).every(({ proxyAuthorization }) => proxyAuthorization === ""));
  assertTold(stderr, site);
  assertNoSecrets(cwd, { stdout, stderr });
});

test("a killed and restarted run uses no proxy before its cooldown ends", async () => {
  await using stack = new AsyncDisposableStack();
  const banned = stack.use(await faultOrigin({ routes: { "*": () => respond(403) } }));
  const slow = stack.use(
    await faultOrigin({
      routes: {
        "*": async () => {
          await sleep(50);
          return respond(200, { body: "page" });
        },
      },
    }),
  );
  const cwd = stack.use(await temporaryDirectory("run-proxies-rests")).path;
  const hosts = [banned, slow].map(({ url }) => new URL(url).host);
  await writeFile(join(cwd, "proxies.txt"), hosts.map((host) => `${host}:${user}:${password}\n`).join(""));
  await writeFile(
    join(cwd, "urls.txt"),
    Array.from({ length: 60 }, (_, n) => `http://shop.test/${n}\n`).join(""),
  );
  const command = ["run", "urls.txt", "-o", "out", "--proxies", "proxies.txt", "-j", "1"];
  const [node, ...before] = holdfastCommand;
  for (let kill = 1; kill <= 2; kill += 1) {
    const child = spawn(node, [...before, ...command], { cwd, stdio: "ignore" });
    const ended = once(child, "exit");
    const until = 12 * kill;
    while (slow.requests.length < until && child.exitCode === null) await sleep(10);
    child.kill("SIGKILL");
    await ended;
  }

  const { code } = await runHoldfast(command, { cwd });

  assert.equal(code, 0);
  assert.equal(banned.requests.length, 1);
  const written = readdirSync(join(cwd, "out"), { recursive: true, encoding: "utf8" })
    .map((name) => join(cwd, "out", name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, "latin1"));
  assert.ok(!written.some((content) => content.includes(user) || content.includes(password)));
});
