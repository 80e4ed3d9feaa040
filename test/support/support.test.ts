import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { once } from "node:events";
import { get } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { certificates } from "./certificates.ts";
import { runProgram, startChild } from "./child.ts";
import { httpbin } from "./httpbin.ts";
import { nginx } from "./nginx.ts";
import { freePort, waitForPort } from "./ports.ts";
import { toUrlPath, site } from "./site.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("a site has the requested number of files, real and generated, and nginx serves every byte", async () => {
  await using pages = await site(1_100);
  await using server = await nginx({ root: pages.root });
  const some = pages.files.filter((_, index) => index % 25 === 0);

  for (const file of some) {
    const response = await fetch(server.url + toUrlPath(file));
    const expected = await readFile(join(pages.root, file));
    assert.equal(response.status, 200, file);
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), new Uint8Array(expected), file);
  }

  assert.equal(new Set(pages.files).size, 1_100);
  assert.ok(pages.files.some((file) => file.startsWith("python/")));
  assert.ok(pages.files.some((file) => file.startsWith("made/with space & ümlaut/")));
  // nginx writes its log after the response.
  let seen = await server.seen();
  for (let look = 0; seen.length < some.length && look < 100; look += 1) {
    await sleep(20);
    seen = await server.seen();
  }
  assert.deepEqual(
    seen.map(({ target }) => target),
    some.map(toUrlPath),
  );
});

test("nginx logs connections and ranges, and uses further configuration", async () => {
  await using pages = await site(3);
  await using server = await nginx({ root: pages.root, conf: "location = /teapot { return 418; }" });

  const range = await fetch(`${server.url}${toUrlPath(pages.files[0] ?? "")}`, {
    headers: { range: "bytes=2-4" },
  });
  const teapot = await fetch(`${server.url}/teapot`);

  assert.equal((await range.arrayBuffer()).byteLength, 3);
  assert.equal(teapot.status, 418);
  assert.deepEqual(
    (await server.seen()).map(({ status, method, range: asked }) => [status, method, asked]),
    [
      [206, "GET", "bytes=2-4"],
      [418, "GET", ""],
    ],
  );
});

test("a disposed server is gone, with its files", async () => {
  await using pages = await site(1);
  const server = await nginx({ root: pages.root });
  assert.ok(isAlive(server.pid));

  await server[Symbol.asyncDispose]();

  assert.ok(!isAlive(server.pid));
  await assert.rejects(fetch(server.url));
});

test("a server that cannot start fails with its log", async () => {
  await using pages = await site(1);

  await assert.rejects(
    nginx({ root: pages.root, conf: "no_such_directive;" }),
    /unknown directive "no_such_directive"/,
  );
});

test("a missing program fails with its name", async () => {
  const start = startChild({ command: "/no/such/program", args: [], ready: () => undefined });

  await assert.rejects(start, /\/no\/such\/program did not start:\n.*ENOENT/);
});

test("a process that is never ready is ended, and the error has its log", async () => {
  const script = "console.log('up ' + process.pid); setInterval(() => {}, 1000)";
  let pid = 0;

  const start = startChild({
    command: process.execPath,
    args: ["-e", script],
    ready: (log) => void (pid = Number(/up (\d+)/.exec(log)?.[1] ?? 0)),
    within: 1_500,
  });

  await assert.rejects(start, /up \d+/);
  assert.ok(pid > 0 && !isAlive(pid));
});

test("httpbin responds with the requested status", async () => {
  await using server = await httpbin();

  const response = await fetch(`${server.url}/status/503`);

  assert.equal(response.status, 503);
});

function verdictOf(url: string, ca: string, host: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get(url, { ca, servername: host, agent: false }, (response) => {
      response.resume();
      resolve("accepted");
    });
    request.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

test("each certificate has its own defect", async () => {
  await using pages = await site(1);
  const { ca, good, expired, selfSigned, wrongHost } = await certificates();
  const expected = [
    [good, "accepted"],
    [expired, "CERT_HAS_EXPIRED"],
    [selfSigned, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    [wrongHost, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ] as const;

  for (const [certificate, verdict] of expected) {
    await using server = await nginx({ root: pages.root, certificate });
    const url = server.url.replace("127.0.0.1", "localhost");
    assert.equal(await verdictOf(`${url}${toUrlPath(pages.files[0] ?? "")}`, ca.cert, "localhost"), verdict);
  }
});

test("certificates are created once per process", async () => {
  assert.equal(await certificates(), await certificates());
});

test("waitForPort finds a listener, and fails without one", async () => {
  const port = await freePort();
  await assert.rejects(waitForPort(port, 50), /No program listened on port \d+ within 50 ms/);
  const server = createServer().listen(port, "127.0.0.1");

  await waitForPort(port, 5_000);

  server.close();
  await once(server, "close");
});

test("a disposed temporary directory is removed with its content", async () => {
  const directory = await temporaryDirectory("test");
  assert.ok((await stat(directory.path)).isDirectory());

  await directory[Symbol.asyncDispose]();

  assert.ok(!existsSync(directory.path));
});

test("runProgram returns output, and code or signal", async () => {
  const ended = await runProgram(process.execPath, [
    "-e",
    "console.log('a'); console.error('b'); process.exitCode = 3",
  ]);
  const killed = await runProgram(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { within: 300 });

  assert.deepEqual(ended, { code: 3, signal: null, stdout: "a\n", stderr: "b\n" });
  assert.equal(killed.signal, "SIGKILL");
});
