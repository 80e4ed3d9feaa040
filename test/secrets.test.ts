import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { faultOrigin, respond } from "@holdfast/http/testing";
import { startHoldfast } from "./support/holdfast.ts";

const secrets = ["KEY-1f", "TOKEN-2e", "SIGNATURE-3d", "PASSWORD-4c", "PROXY-5b"];

test("no output of the program tells the secrets of URLs and proxies, and the exported data has the URLs", async (t) => {
  const origin = await faultOrigin({ routes: { "/ok": respond(200), "*": respond(404) } });
  const cwd = await mkdtemp(join(tmpdir(), "holdfast-secrets-"));
  t.after(async () => {
    await origin.close();
    await rm(cwd, { recursive: true, force: true });
  });
  const { host } = new URL(origin.url);
  const lines = [
    `${origin.url}/a?api_key=KEY-1f`,
    `${origin.url}/b?X-Amz-Signature=SIGNATURE-3d&access_token=TOKEN-2e`,
    `http://ada:PASSWORD-4c@${host}/c`,
    `${origin.url}/ok?token=TOKEN-2e`,
    "ftp://ada:PASSWORD-4c@a.test/?sig=SIGNATURE-3d",
  ];
  await writeFile(join(cwd, "list.txt"), `${lines.join("\n")}\n`);
  const through = ["--proxy", `http://ada:PROXY-5b@${host}`];
  const commands: readonly (readonly string[])[] = [
    ["run", "list.txt", "-o", "out", "--progress", "plain"],
    ["run", "list.txt", "-o", "out", "--retry-failed", "--report", "json"],
    ["status", "out"],
    ["status", "out", "--json"],
    ["run", lines[0] ?? "", "-o", "named", "--progress", "plain", "--attempts", "1"],
    ["run", lines[0] ?? "", "-o", "proxied", "--progress", "plain", "--attempts", "1", ...through],
    ["get", "-v", lines[1] ?? ""],
    ["get", "--attempts", "1", "http://127.0.0.1:1/?api_key=KEY-1f"],
    ["get", "ftp://ada:PASSWORD-4c@a.test/?token=TOKEN-2e"],
    ["proxies", "check", "list.txt", "--url", `${origin.url}/?api_key=KEY-1f`, "--json"],
    ["export", "out", "--redact"],
    ["export", "out", "--format", "files", "-o", "pages"],
  ];

  for (const command of commands) {
    const { out, err } = await startHoldfast(command, { cwd, env: { HOLDFAST_DEBUG: "1" } }).ended;
    for (const secret of secrets)
      assert.ok(!`${out}${err}`.includes(secret), `${command.join(" ")}\n${out}${err}`);
  }
  const names = (await readdir(join(cwd, "pages"), { recursive: true })).join(" ");
  assert.match(names, /000004-ok_token_/);
  const { out } = await startHoldfast(["export", "out"], { cwd }).ended;
  assert.deepEqual(
    out
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly url: string }).url),
    lines,
  );
  for (const file of await readdir(join(cwd, "proxied"), { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const bytes = await readFile(join(file.parentPath, file.name), "latin1");
    assert.ok(!bytes.includes("PROXY-5b") && !bytes.includes("ada"), file.name);
  }
});
