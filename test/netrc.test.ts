import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { faultOrigin, respond, type FaultOrigin } from "@holdfast/http/testing";
import { startHoldfast, type HoldfastResult } from "./support/holdfast.ts";

const basic = `Basic ${Buffer.from("ada:love").toString("base64")}`;
const entry = "machine 127.0.0.1\nlogin ada\npassword love\n";

interface Scene {
  readonly origin: FaultOrigin;
  readonly file: string;
  readonly run: (...args: readonly string[]) => Promise<HoldfastResult>;
  readonly credentials: () => readonly (string | undefined)[];
}

/** A server that needs a password, a netrc file with it, and a home folder without one. */
async function setUp(t: TestContext, text = entry, home = false): Promise<Scene> {
  const origin = await faultOrigin({
    routes: { "*": ({ headers }) => respond(headers["authorization"] === basic ? 200 : 401) },
  });
  const cwd = await mkdtemp(join(tmpdir(), "holdfast-netrc-"));
  const file = join(cwd, home ? ".netrc" : "work.netrc");
  await writeFile(file, text, { mode: 0o600 });
  t.after(async () => {
    await origin.close();
    await rm(cwd, { recursive: true, force: true });
  });
  const env = { HOME: cwd, USERPROFILE: cwd, NETRC: "" };
  return {
    origin,
    file,
    run: (...args) => startHoldfast(args, { cwd, env }).ended,
    credentials: () => origin.requests.map(({ headers }) => headers["authorization"]),
  };
}

for (const flags of [["-n"], ["--netrc"]]) {
  test(`get ${flags.join(" ")} sends the password of ~/.netrc`, async (t) => {
    const { origin, run, credentials } = await setUp(t, entry, true);

    const without = await run("get", `${origin.url}/a`);
    const { code } = await run("get", ...flags, `${origin.url}/a`);

    assert.deepEqual([without.code, code, credentials()], [3, 0, [undefined, basic]]);
  });
}

test("run --netrc-file sends each line the password of its host, and no other host", async (t) => {
  const { origin, file, run, credentials } = await setUp(t);
  const other = origin.url.replace("127.0.0.1", "localhost");

  const { code } = await run("run", `${origin.url}/1`, `${other}/2`, "-j", "1", "--netrc-file", file);

  assert.deepEqual([code, credentials()], [3, [basic, undefined]]);
});

test("an Authorization header of the command line wins over the netrc file", async (t) => {
  const { origin, file, run, credentials } = await setUp(t);

  await run("get", "--netrc-file", file, "-H", "Authorization: Bearer mine", `${origin.url}/`);

  assert.deepEqual(credentials(), ["Bearer mine"]);
});

for (const command of ["get", "run"]) {
  test(`${command} refuses a netrc file that it cannot read, before any request`, async (t) => {
    const { origin, run } = await setUp(t);

    const { code, err } = await run(command, "--netrc-file", "missing", `${origin.url}/`);

    assert.equal(code, 2);
    assert.match(err, /The netrc file missing cannot be read/);
    assert.equal(origin.requests.length, 0);
  });

  test(`${command} names the line of a netrc file that it cannot understand, and not the password`, async (t) => {
    const { origin, file, run } = await setUp(t, "machine 127.0.0.1\nlogin ada\npasword l0ve\n");

    const { code, err } = await run(command, "--netrc-file", file, `${origin.url}/`);

    assert.equal(code, 2);
    assert.match(err, /work\.netrc:3: expected machine, default, login, password or account/);
    assert.doesNotMatch(err, /l0ve/);
    assert.equal(origin.requests.length, 0);
  });
}
