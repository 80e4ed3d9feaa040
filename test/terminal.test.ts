import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { startHoldfast } from "./support/holdfast.ts";
import { runOnTerminal, type TerminalResult } from "./support/terminal.ts";

// As UTF-8: set the title, a C1 control that starts a sequence, a mark that reorders text, and backspaces over a word.
const attack = Buffer.from("\u001b]0;owned\u0007\u009b2J\u202egnp.exe safe\b\b\b\b").toString("latin1");

// The parser already rejects other controls in heads.
const inHead = Buffer.from("\u009b2J\u202egnp.exe").toString("latin1");

const responses: Readonly<Record<string, string>> = {
  "/head": `HTTP/1.1 200 ${attack}\r\nX-Attack: ${attack}\r\nX-Subtle: ${inHead}\r\nContent-Length: 4\r\n\r\nbody`,
  "/body": `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${attack.length + 12}\r\n\r\none\r\ntwo\t${attack} \u00c3\u00a9`,
  "/binary": "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\u0000\u0001ab",
  "/reason": `HTTP/1.1 404 ${attack}\r\nContent-Type: application/problem+json\r\nContent-Length: ${attack.length + 36}\r\n\r\n{"type":"about:blank","detail":"${attack}"}..`,
  "/location": `HTTP/1.1 302 Found\r\nLocation: http://${attack}:x/\r\nContent-Length: 0\r\n\r\n`,
  "/retry": `HTTP/1.1 429 Slow\r\nRetry-After: ${attack}\r\nX-RateLimit-Bucket: ${attack}\r\nContent-Length: 0\r\n\r\n`,
  "/coding": `HTTP/1.1 200 OK\r\nContent-Encoding: ${attack}\r\nContent-Length: 1\r\n\r\nx`,
  "/length": `HTTP/1.1 200 OK\r\nContent-Length: ${attack}\r\n\r\nx`,
  "/line": `HTTP/9.9 ${attack}\r\n\r\n`,
};

interface Scene {
  readonly url: string;
  readonly cwd: string;
  readonly run: (args: readonly string[], env?: Record<string, string>) => Promise<TerminalResult>;
}

async function setUp(t: TestContext): Promise<Scene> {
  const server = createServer((socket) => {
    let head = "";
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      head += bytes.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      // A proxy sees the name of the origin, and refuses with the attack as its reason.
      const path = /^GET (?:http:\/\/[^/]*)?(\/\w*)/.exec(head)?.[1] ?? "/line";
      const refusal = `HTTP/1.1 407 ${attack}\r\nProxy-Status: ${attack}\r\nContent-Length: 0\r\n\r\n`;
      socket.end(Buffer.from(head.startsWith("CONNECT") ? refusal : (responses[path] ?? ""), "latin1"));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cwd = await mkdtemp(join(tmpdir(), "holdfast-terminal-"));
  t.after(async () => {
    server.close();
    await rm(cwd, { recursive: true, force: true });
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cwd,
    run: (args, env) => runOnTerminal(args, { cwd, ...(env !== undefined && { env }) }),
  };
}

/** Fails if a terminal received a control that is neither LF, nor TAB, nor the sequence that removes the progress line. */
function assertCalm(title: string, { screen }: TerminalResult): void {
  const text = Buffer.from(screen.replaceAll("\r\u001b[K", ""), "latin1").toString("utf8");
  const control = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/u.exec(text);
  assert.equal(control, null, `${title}: ${JSON.stringify(text)}`);
}

test("get writes heads, bodies and errors to a terminal without the controls of the server", async (t) => {
  const { url, run } = await setUp(t);

  for (const path of Object.keys(responses)) {
    const args = ["get", "-i", "-v", "--attempts", "2", "--timeout", "5s", `${url}${path}`];
    assertCalm(path, await run(args, { HOLDFAST_DEBUG: "1" }));
  }
  const { screen, code } = await run(["get", "-i", `${url}/head`]);
  assert.equal(code, 0);
  assert.match(screen, /^HTTP 200 .*\\u009b2J\\u202egnp\.exe.*\n(.*\n)*x-subtle: \\u009b2J\\u202egnp\.exe$/m);
  const body = await run(["get", `${url}/body`]);
  assert.match(body.screen, /^one\ntwo\t\\u001b\]0;owned.* \u00c3\u00a9$/m);
});

test("get refuses to write binary data to a terminal, except with --raw", async (t) => {
  const { url, run } = await setUp(t);

  const refused = await run(["get", `${url}/binary`]);
  const dash = await run(["get", "-o", "-", `${url}/binary`]);
  const raw = await run(["get", "--raw", `${url}/binary`]);
  const text = await run(["get", "--raw", `${url}/body`]);

  assert.deepEqual([refused.code, dash.code, raw.code, text.code], [2, 2, 0, 0]);
  assert.match(refused.screen, /^holdfast get: the body is binary data.*-o FILE, or --raw/m);
  assertCalm("binary", refused);
  assert.equal(raw.screen, "\u0000\u0001ab");
  assert.ok(text.screen.includes(attack));
});

test("get writes the bytes of the server to a pipe", async (t) => {
  const { url, cwd } = await setUp(t);

  const { out } = await startHoldfast(["get", "-i", `${url}/body`], { cwd }).ended;

  const head = `HTTP 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${attack.length + 12}\r\n\r\n`;
  assert.equal(out, `${head}one\r\ntwo\t${Buffer.from(attack, "latin1").toString()} é`);
});

test("run, status and export write no controls of a list or a server to a terminal", async (t) => {
  const { url, cwd, run } = await setUp(t);
  const name = "li\u001b[31mst\u202e.txt";
  const paths = Object.keys(responses).filter((path) => path !== "/retry");
  const lines = [
    ...paths.map((path) => `${url}${path}?\u009b31m`),
    "no url \u001b[2J\u202e",
    `ftp://\u001b[2J`,
  ];
  await writeFile(join(cwd, name), `${lines.join("\n")}\n`);
  const folder = "out\u001b[31m";
  const args = ["run", name, "-o", folder, "--attempts", "1"];

  const outputs = [
    ["run", await run([...args, "--progress", "plain"])],
    ["continued", await run([...args, "--progress", "bar", "--retry-failed"])],
    ["json", await run([...args, "--progress", "none", "--report", "json"])],
    ["status", await run(["status", folder])],
    ["status --json", await run(["status", folder, "--json"])],
    ["export", await run(["export", folder])],
    ["no list", await run(["run", "no\u001b[2J.txt"])],
    ["bad option", await run(["run", "--no\u001b[2J"])],
    ["bad value", await run(["get", "--timeout", "\u009b2J", url])],
  ] as const;

  for (const [title, result] of outputs) assertCalm(title, result);
  const exported = outputs[5][1].screen.trim().split("\n");
  assert.equal(exported.length, lines.length);
  for (const line of exported) assert.equal(typeof JSON.parse(line), "object");
});

test("proxies check and a run through a proxy write no controls of the proxy to a terminal", async (t) => {
  const { url, cwd, run } = await setUp(t);
  await writeFile(join(cwd, "proxies.txt"), `${url}\n\u001b[2J bad\n`);
  const through = ["--proxy", url, "--attempts", "1"];

  const outputs = [
    ["table", await run(["proxies", "check", "proxies.txt", "--url", "https://a.test/"])],
    ["json", await run(["proxies", "check", "proxies.txt", "--url", "http://a.test/head", "--json"])],
    ["get", await run(["get", "-v", ...through, "https://a.test/"], { HOLDFAST_DEBUG: "1" })],
    ["run", await run(["run", "https://a.test/", ...through, "--timeout", "2s", "--progress", "plain"])],
  ] as const;

  for (const [title, result] of outputs) assertCalm(title, result);
});
