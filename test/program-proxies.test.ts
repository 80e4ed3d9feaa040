import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { faultOrigin, refusedPort, respond, type FaultOrigin } from "@holdfast/http/testing";
import { startHoldfast, waitUntil, type HoldfastResult, type RunningHoldfast } from "./support/holdfast.ts";
import { listSecretForms } from "./support/secret-forms.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const [user, password] = ["ada.lovelace", "s3cr%t=l+ve"];
const site = "http://shop.test/";

/** A proxy for plain http that responds to every request itself. */
const answering = (...answers: Parameters<typeof respond>): Promise<FaultOrigin> =>
  faultOrigin({ routes: { "*": () => respond(...answers) } });
const page = (body: string): Promise<FaultOrigin> => answering(200, { body });
const hostOf = ({ url }: FaultOrigin): string => new URL(url).host;
const askedOf = ({ requests }: FaultOrigin): readonly (string | undefined)[] =>
  requests.map(({ headers }) => headers["proxy-authorization"]?.toString());

interface Desk extends AsyncDisposable {
  readonly cwd: string;
  run(...args: readonly string[]): Promise<HoldfastResult>;
  start(...args: readonly string[]): RunningHoldfast;
  write(name: string, content: string): Promise<void>;
}

async function desk(env: Readonly<Record<string, string>> = {}): Promise<Desk> {
  const directory = await temporaryDirectory("program-proxies");
  const children: RunningHoldfast[] = [];
  const begin = (...args: readonly string[]): RunningHoldfast => {
    const child = startHoldfast(args, { cwd: directory.path, env });
    children.push(child);
    return child;
  };
  return {
    cwd: directory.path,
    run: (...args) => begin(...args).ended,
    start: begin,
    write: (name, content) => writeFile(join(directory.path, name), content),
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.signal("SIGKILL");
      await Promise.all(children.map(({ ended }) => ended));
      await directory[Symbol.asyncDispose]();
    },
  };
}

test("get uses a proxy in any form, with its credentials, whatever the environment has", async () => {
  await using proxy = await page("welcome");
  await using table = await desk({ http_proxy: "http://127.0.0.1:9" });
  const host = hostOf(proxy);
  const forms = [
    `${host}:${user}:${password}`,
    `${user}:${password}@${host}`,
    `http://${user}:${encodeURIComponent(password)}@${host}`,
  ];

  const endings = await Promise.all(forms.map((form) => table.run("get", "-x", form, "-v", site)));

  for (const { code, out, err } of endings) {
    assert.deepEqual([code, out], [0, "welcome"], err);
    for (const secret of listSecretForms(user, password)) assert.ok(!err.includes(secret), secret);
  }
  assert.deepEqual(askedOf(proxy), Array(3).fill(`Basic ${btoa(`${user}:${password}`)}`));
});

test("get through a list tries the next proxy, and exits with 8 if none is available", async () => {
  await using banned = await answering(403);
  await using good = await page("welcome");
  await using table = await desk();
  const gone = `127.0.0.1:${await refusedPort()}`;
  await table.write("proxies.txt", `${gone}\n${hostOf(banned)}\n${hostOf(good)}\n`);

  const { code, out, err } = await table.run("get", "-v", "--proxies", "proxies.txt", site);
  const abroad = await table.run("get", "--proxies", "proxies.txt", "--country", "us", site);

  assert.deepEqual([code, out], [0, "welcome"], err);
  assert.match(err, /^attempt 1: .*\nattempt 2: 403 .*\nattempt 3: 200/);
  assert.equal(abroad.code, 8, abroad.err);
  assert.match(abroad.err, /^holdfast get: No proxy is available for shop\.test/);
});

test("a single failed proxy is retried, as a server is", async () => {
  await using proxy = await faultOrigin({
    routes: { "*": [respond(503), respond(200, { body: "welcome" })] },
  });
  await using table = await desk();

  const { code, out, err } = await table.run("get", "-x", hostOf(proxy), site);

  assert.deepEqual([code, out], [0, "welcome"], err);
});

test("--country fills the template of a vendor", async () => {
  await using gateway = await page("welcome");
  await using table = await desk();
  await table.write("proxies.txt", `customer-{session:alnum8}-cc-{country}:pass@${hostOf(gateway)}\n`);
  const command = ["run", site, "--proxies", "proxies.txt", "--country", "us"];

  const run = await table.run(...command);
  const get = await table.run("get", "--proxies", "proxies.txt", "--country", "de", site);

  assert.deepEqual([run.code, get.code], [0, 0], run.err + get.err);
  const users = askedOf(gateway).map((header) => atob(header?.replace("Basic ", "") ?? ""));
  assert.match(users[0] ?? "", /^customer-[a-zA-Z0-9]{8}-cc-us:pass$/);
  assert.match(users[1] ?? "", /^customer-[a-zA-Z0-9]{8}-cc-de:pass$/);
});

test("--config sets the options of a run, the command line wins, and no value is printed", async () => {
  await using proxy = await page("welcome");
  await using other = await page("welcome");
  await using table = await desk();
  const config = {
    proxy: [`${hostOf(proxy)}:${user}:${password}`],
    header: ["Authorization: Bearer t0ken.of.mine"],
    output: "kept",
    concurrency: 4,
    rotation: "least-used",
  };
  await table.write("holdfast.json", JSON.stringify(config));
  await table.write("wrong.json", JSON.stringify({ ...config, rotatio: "random" }));

  const run = await table.run("run", site, "--config", "holdfast.json");
  const elsewhere = await table.run("get", site, "--config", "get.json");
  await table.write("get.json", JSON.stringify({ proxy: hostOf(proxy) }));
  const overruled = await table.run("get", site, "--config", "get.json", "-x", hostOf(other));
  const wrong = await table.run("run", site, "--config", "wrong.json");

  assert.equal(run.code, 0, run.err);
  assert.match(run.err, /Results {3}kept /);
  assert.deepEqual(askedOf(proxy), [`Basic ${btoa(`${user}:${password}`)}`]);
  assert.equal(proxy.requests[0]?.headers["authorization"], "Bearer t0ken.of.mine");
  assert.deepEqual([elsewhere.code, overruled.code, other.requests.length], [2, 0, 1]);
  assert.deepEqual(
    [wrong.code, wrong.err],
    [
      2,
      'holdfast run: wrong.json: unknown option "rotatio" (did you mean "rotation"?)\n  See holdfast run --help\n',
    ],
  );
  for (const secret of [...listSecretForms(user, password), "t0ken"])
    assert.ok(!run.err.includes(secret), secret);
});

test("a run that used proxies does not continue without them, unless --direct is given", async () => {
  await using proxy = await answering(503);
  await using table = await desk();
  const first = await table.run("run", site, "-x", hostOf(proxy), "--attempts", "1");

  const forgotten = await table.run("run", site, "--attempts", "1");
  const status = await table.run("status", "results");
  const impatient = ["--attempts", "1", "--connect-timeout", "1s", "--max-park", "1s"];
  const direct = await table.run("run", site, "--direct", ...impatient);

  assert.equal(first.code, 4, first.err);
  assert.deepEqual(
    [forgotten.code, forgotten.err],
    [
      2,
      "holdfast run: the run in results used proxies: add --proxies or --proxy, or --direct to continue without proxies\n  See holdfast run --help\n",
    ],
  );
  assert.match(status.out, /Continue {2}holdfast run -o results --proxies FILE/);
  assert.equal(direct.code, 4, direct.err);
  assert.doesNotMatch(direct.err, /^holdfast run:/);
  assert.equal(proxy.requests.length, 1);
});

test("the title of the process has no credentials of the command line", async () => {
  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof respond>>();
  await using proxy = await faultOrigin({ routes: { "*": () => promise } });
  await using table = await desk();
  const running = table.start("run", site, "-x", `${hostOf(proxy)}:${user}:${password}`);
  await waitUntil("the request is in flight", () => proxy.requests.length === 1);

  const title = readFileSync(`/proc/${running.pid}/cmdline`, "utf8");
  resolve(respond(200, { body: "welcome" }));
  const { code, err } = await running.ended;

  assert.equal(code, 0, err);
  assert.match(title, /^holdfast/);
  for (const secret of listSecretForms(user, password)) {
    assert.ok(!title.includes(secret), secret);
    assert.ok(!err.includes(secret), secret);
  }
});

test("a run reads a list that changes while it waits, and continues", async () => {
  await using locked = await answering(403);
  await using locked2 = await answering(403);
  await using good = await page("welcome");
  await using table = await desk();
  await table.write("proxies.txt", `${hostOf(locked)}\n${hostOf(locked2)}\n`);
  const running = table.start(
    "run",
    site,
    "--proxies",
    "proxies.txt",
    "--progress",
    "plain",
    "--cooldown",
    "1m",
  );
  await waitUntil("it says that no proxy is fit", () =>
    running.err().includes("No proxy is available for shop.test"),
  );

  await table.write("proxies.txt", `${hostOf(locked)}\n${hostOf(good)}\n`);
  const { code, err } = await running.ended;

  assert.equal(code, 0, err);
  assert.equal(good.requests.length, 1);
});
