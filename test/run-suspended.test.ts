import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readReport, readResults } from "@holdfast/runner";
import { holdfastCommand, runHoldfast } from "./support/holdfast.ts";
import { listenOnLoopback } from "./support/loopback-server.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

test(
  "a killed run continues each line with the attempts that it has left",
  { timeout: 120_000 },
  async () => {
    const requests: string[] = [];
    const server = createServer((request, response) => {
      requests.push(String(request.url));
      response.writeHead(500).end();
    });
    await using listening = await listenOnLoopback(server);
    await using folder = await temporaryDirectory("suspended");
    const list = join(folder.path, "urls.txt");
    await writeFile(list, `http://127.0.0.1:${listening.port}/page\n`);
    const directory = join(folder.path, "run");
    const attempts = 4;
    const command = ["run", list, "-o", directory, "--attempts", String(attempts), "--quiet"];

    const [node, ...rest] = holdfastCommand;
    const child = spawn(node, [...rest, ...command], { stdio: "ignore" });
    const exited = once(child, "exit");
    while (requests.length < 2) await sleep(10);
    // The second failure is in the ledger after its shared commit.
    while (readReport(directory).attempts < 2) await sleep(10);
    child.kill("SIGKILL");
    await exited;
    const waiting = readReport(directory);
    const { code } = await runHoldfast(command);

    const [line] = readResults(directory);
    assert.equal(waiting.waiting, 1);
    assert.ok(waiting.attempts >= 2);
    // A request that was in flight when the process was killed is sent again.
    assert.ok(requests.length <= attempts + 1, `${requests.length} requests`);
    assert.equal(code, 4);
    assert.deepEqual([line?.state, line?.reason, line?.attempts], ["failed", "http-500", attempts]);
  },
);
