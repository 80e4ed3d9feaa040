import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { faultOrigin, ranged, respond, stall } from "@holdfast/http/testing";
import { runProgram } from "./support/child.ts";
import { holdfastCommand, runHoldfast, waitUntil } from "./support/holdfast.ts";
import { otherUser, testAsRoot } from "./support/root.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const body = Buffer.alloc(100_000, "from the network ");
const strong = { etag: '"v1"' };
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

/** Runs a command of another user. */
function runAsOther(command: string, ...args: readonly string[]): ReturnType<typeof runProgram> {
  return runProgram("setpriv", [
    `--reuid=${otherUser}`,
    `--regid=${otherUser}`,
    "--clear-groups",
    command,
    ...args,
  ]);
}

/** Returns paths in a folder. */
function at<T extends readonly string[]>(folder: string, ...names: T): { readonly [K in keyof T]: string } {
  return names.map((name) => join(folder, name)) as { readonly [K in keyof T]: string };
}

/** A folder like /tmp: each user may create files in it, and remove only their own. */
async function stickyFolder(): Promise<Awaited<ReturnType<typeof temporaryDirectory>>> {
  const folder = await temporaryDirectory("shared");
  chmodSync(folder.path, 0o1777);
  return folder;
}

testAsRoot("another user cannot read a run, and can after chmod", async () => {
  await using origin = await faultOrigin({ routes: { "*": respond(200, { body: "secret" }) } });
  await using folder = await stickyFolder();
  const run = join(folder.path, "run");
  await runHoldfast(["run", `${origin.url}/a`, "-o", run]);
  const ledger = join(run, "ledger.db");

  assert.notEqual((await runAsOther("cat", ledger)).code, 0);
  assert.notEqual((await runAsOther("ls", run)).code, 0);
  await runProgram("chmod", ["-R", "go+rX", run]);
  await runHoldfast(["run", `${origin.url}/b`, "-o", run]);

  assert.equal((await runAsOther("cat", ledger)).code, 0);
  assert.deepEqual([modeOf(run), modeOf(ledger), modeOf(join(run, "segments"))], ["755", "644", "755"]);
});

testAsRoot(
  "files of another user in a folder like /tmp are errors that name the file and the remedy",
  async () => {
    await using origin = await faultOrigin({ routes: { "*": ranged({ body, ...strong }) } });
    await using folder = await stickyFolder();
    const file = join(folder.path, "big.iso");
    for (const suffix of [".part", ".part.json", ".part.lock"]) {
      const planted = await runAsOther("sh", "-c", `echo made-up > ${file}${suffix}`);
      assert.equal(planted.code, 0, planted.stderr);

      const { code, stderr } = await runHoldfast(["get", "-o", file, `${origin.url}/`, "--attempts", "1"]);

      // Root may remove the file of another user in such a folder; a lock may be in use.
      if (suffix === ".part.lock") {
        assert.equal(code, 3, stderr);
        assert.match(
          stderr,
          /big\.iso\.part\.lock cannot be written: it belongs to another user \(uid 65534\); remove it/,
        );
        unlinkSync(file + suffix);
      } else {
        assert.equal(code, 0, stderr);
        assert.ok(body.equals(readFileSync(file)));
      }
    }
  },
);

testAsRoot("an unprivileged user neither follows nor waits for what root's neighbour planted", async () => {
  await using origin = await faultOrigin({ routes: { "*": ranged({ body, ...strong }) } });
  await using folder = await stickyFolder();
  const file = join(folder.path, "big.iso");
  const victim = join(folder.path, "victim");
  await runAsOther("sh", "-c", `echo precious > ${victim}`);
  // This user, root, is the neighbour of `otherUser` here. A sticky folder keeps the planted files.
  for (const plant of [
    () => symlinkSync(victim, `${file}.part`),
    () => writeFileSync(`${file}.part`, "made up"),
    () => writeFileSync(`${file}.part.json`, "{}"),
  ]) {
    plant();

    const [command, ...args] = holdfastCommand;
    const { code, stderr } = await runAsOther(command, ...args, "get", "-o", file, `${origin.url}/`);

    assert.equal(code, 3, stderr);
    assert.match(
      stderr,
      /big\.iso\.part[.a-z]* cannot be written: it (?:is|belongs to) .*; remove it, or choose another folder/,
    );
    assert.equal(readFileSync(victim, "utf8"), "precious\n");
    for (const name of readdirSync(folder.path)) if (name !== "victim") unlinkSync(join(folder.path, name));
  }
});

testAsRoot("a run does not continue the ledger of another user", async () => {
  await using origin = await faultOrigin({ routes: { "*": respond(200, { body: "x" }) } });
  await using folder = await temporaryDirectory("shared");
  const run = join(folder.path, "run");
  await runHoldfast(["run", `${origin.url}/a`, "-o", run]);
  chownSync(join(run, "ledger.db"), otherUser, otherUser);

  const { code, stderr } = await runHoldfast(["run", `${origin.url}/b`, "-o", run]);

  assert.equal(code, 7, stderr);
  assert.match(
    stderr,
    /ledger\.db is not used: it belongs to another user \(uid 65534\); remove it, or use another folder/,
  );
});

testAsRoot(
  "a run whose folder another user swaps for a link again and again writes nothing behind it",
  async () => {
    await using origin = await faultOrigin({ routes: { "*": respond(200, { body: "page" }) } });
    await using folder = await temporaryDirectory("swap");
    const [run, moved, victim, link] = at(folder.path, "run", "moved", "victim", "link");
    mkdirSync(victim);
    const list = join(folder.path, "list.txt");
    writeFileSync(list, Array.from({ length: 400 }, (_, line) => `${origin.url}/${line}\n`).join(""));
    const race = new AbortController();

    const running = runHoldfast(["run", list, "-o", run, "-j", "4"]).finally(() => race.abort());
    while (!race.signal.aborted) {
      if (existsSync(run)) {
        renameSync(run, moved);
        symlinkSync(victim, link);
        lchownSync(link, otherUser, otherUser);
        renameSync(link, run);
        await new Promise((resolve) => void setTimeout(resolve, Math.random() * 3));
        unlinkSync(run);
        renameSync(moved, run);
      }
      await new Promise((resolve) => void setTimeout(resolve, Math.random() * 3));
    }
    const { code, stderr } = await running;

    assert.ok([0, 7].includes(code ?? -1), stderr);
    assert.deepEqual(readdirSync(victim), []);
  },
);

test("a download whose folder is swapped for a link again and again writes nothing behind the link", async () => {
  await using origin = await faultOrigin({ routes: { "*": ranged({ body, ...strong }) } });
  await using folder = await temporaryDirectory("swap");
  const [own, moved, victim] = at(folder.path, "own", "moved", "victim");
  for (const path of [own, victim]) mkdirSync(path);
  const { Session } = await import("@holdfast/http");
  await using session = new Session();
  const race = new AbortController();

  const downloads = (async () => {
    for (let n = 0; n < 40; n += 1)
      await session.download(`${origin.url}/`, join(own, `file-${n}`)).catch(() => undefined);
    race.abort();
  })();
  while (!race.signal.aborted) {
    renameSync(own, moved);
    symlinkSync(victim, own);
    await new Promise((resolve) => void setImmediate(resolve));
    unlinkSync(own);
    renameSync(moved, own);
    await new Promise((resolve) => void setTimeout(resolve, Math.random() * 2));
  }
  await downloads;

  // A folder that was swapped when the call began is behind a link of this user, which is followed.
  const strays = readdirSync(victim).filter((name) => !/^file-\d+$/.test(name));
  assert.deepEqual(strays, []);
});

test("a stopped download keeps its lock, and a killed one frees it", async () => {
  await using origin = await faultOrigin({
    routes: {
      "/": [stall(respond(200, { body, headers: strong }), { atBody: 50_000 }), ranged({ body, ...strong })],
    },
  });
  await using folder = await temporaryDirectory("lock");
  const file = join(folder.path, "file");
  const [command, ...args] = holdfastCommand;
  const first = spawn(command, [...args, "get", "-o", file, `${origin.url}/`], { stdio: "ignore" });
  const ended = once(first, "close");
  await waitUntil(
    "the download has begun",
    () => statSync(`${file}.part`, { throwIfNoEntry: false })?.size === 50_000,
  );
  first.kill("SIGSTOP");

  const busy = await runHoldfast(["get", "-o", file, `${origin.url}/`]);
  first.kill("SIGKILL");
  await ended;
  const again = await runHoldfast(["get", "-o", file, `${origin.url}/`]);

  assert.equal(busy.code, 4, busy.stderr);
  assert.match(busy.stderr, /The file is being written by /);
  assert.equal(again.code, 0, again.stderr);
  assert.ok(body.equals(readFileSync(file)));
  assert.deepEqual(readdirSync(folder.path), ["file"]);
});

/** Runs a line of bash in which `$HOLDFAST` is the program. */
async function runShell(line: string): Promise<{ readonly code: number | null; readonly out: Buffer }> {
  const quoted = holdfastCommand.map((word) => `'${word}'`).join(" ");
  const child = spawn("bash", ["-c", `holdfast() { ${quoted} "$@"; }; ${line}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [out, [code]] = await Promise.all([buffer(child.stdout), once(child, "close")]);
  return { code: code as number | null, out };
}

test("get and export write to process substitutions, FIFOs, devices and /dev/stdout", async (t) => {
  if (process.platform !== "linux") return t.diagnostic("only tested on Linux");
  await using origin = await faultOrigin({ routes: { "*": ranged({ body, ...strong }) } });
  await using folder = await temporaryDirectory("direct");
  const url = `${origin.url}/`;
  const [run, fifo, log] = at(folder.path, "run", "fifo", "log");
  await runHoldfast(["run", url, "-o", run]);

  const substituted = await runShell(`holdfast get -o >(cat) ${url}; wait $!`);
  const piped = await runShell(`holdfast get -o /dev/stdout ${url} | cat`);
  const appended = await runShell(
    `{ echo before; holdfast get -o /dev/stdout ${url}; echo after; } > ${log}`,
  );
  const withHead = await runShell(`mkfifo ${fifo}; holdfast get -i -o ${fifo} ${url} & cat ${fifo}; wait`);
  const exported = await runShell(`holdfast export ${run} --no-body -o ${fifo} & cat ${fifo}; wait`);
  const devices = await runShell(
    `holdfast get -i -o /dev/null ${url} && holdfast get -o /dev/null ${url} && holdfast export ${run} -o /dev/null`,
  );

  assert.ok(substituted.out.equals(body));
  assert.ok(piped.out.equals(body));
  assert.equal(appended.code, 0);
  assert.equal(readFileSync(log, "latin1"), `before\n${body.toString("latin1")}after\n`);
  assert.ok(withHead.out.includes(body) && withHead.out.includes("HTTP 200"));
  assert.equal((JSON.parse(exported.out.toString()) as { readonly url: string }).url, url);
  assert.equal(devices.code, 0);
  assert.deepEqual(readdirSync(folder.path).toSorted(), ["fifo", "log", "run"]);
});
