import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createRawServer, type Server } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { readResults } from "@holdfast/runner";
import { runHoldfast } from "./support/holdfast.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const pages = 12;

/** What a host does with its n-th request, and how its lines end. */
interface Kind {
  readonly ends: Readonly<Partial<Record<"done" | "failed" | "waiting", number>>>;
  readonly respond: (response: ServerResponse, n: number, page: number) => void;
}

const ok = (response: ServerResponse): void => void response.end("ok");
const status = (response: ServerResponse, code: number, headers = {}): void =>
  void response.writeHead(code, headers).end();

const kinds: Readonly<Record<string, Kind>> = {
  quick: { ends: { done: pages }, respond: ok },
  slow: { ends: { done: pages }, respond: (response) => void setTimeout(ok, 700, response) },
  flaky: {
    ends: { done: pages },
    respond: (response, n) => (n % 4 === 0 ? status(response, 503) : ok(response)),
  },
  limited: {
    ends: { done: pages },
    respond: (response, n) =>
      n === 5 || n === 6 ? status(response, 429, { "retry-after": "1" }) : ok(response),
  },
  missing: {
    ends: { done: 9, failed: 3 },
    respond: (response, _, page) => (page % 4 === 0 ? status(response, 404) : ok(response)),
  },
  bans: {
    ends: { done: 4, waiting: 8 },
    respond: (response, n) => (n > 4 ? status(response, 403) : ok(response)),
  },
  parks: {
    ends: { done: 4, waiting: 8 },
    respond: (response, n) => (n > 4 ? status(response, 429, { "retry-after": "3600" }) : ok(response)),
  },
};

async function listen(server: Server, host: string): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  return `http://${host}:${typeof address === "object" ? address?.port : ""}`;
}

test("a run over hosts of many kinds ends each host's lines as they must", { timeout: 180_000 }, async () => {
  await using folder = await temporaryDirectory("run-hosts");
  await using stack = new AsyncDisposableStack();
  const origins = new Map<string, string>();
  let last = 10;
  for (const [name, { respond }] of Object.entries(kinds)) {
    let count = 0;
    const server = createServer((request: IncomingMessage, response) => {
      count += 1;
      respond(response, count, Number(request.url?.slice(1)));
    });
    stack.defer(() => {
      server.close();
      server.closeAllConnections();
    });
    origins.set(name, await listen(server, `127.0.2.${(last += 1)}`));
  }
  const tarpit = createRawServer((socket) => socket.on("error", () => undefined));
  stack.defer(() => void tarpit.close());
  origins.set("tarpit", await listen(tarpit, "127.0.2.30"));
  const closed = createRawServer();
  origins.set("refuses", await listen(closed, "127.0.2.31"));
  closed.close();
  const lines = [...origins.values()].flatMap((origin) =>
    Array.from({ length: pages }, (_, page) => `${origin}/${page}\n`),
  );
  await writeFile(join(folder.path, "urls.txt"), lines.join(""));

  const command = ["run", "urls.txt", "-j", "8", "--read-timeout", "2s", "--max-park", "6s"];
  const { code, stderr: err } = await runHoldfast(command, { cwd: folder.path });

  assert.equal(code, 4, err);
  const ends = new Map([...origins.keys()].map((name) => [name, { done: 0, failed: 0, waiting: 0 }]));
  for (const { url, state } of readResults(join(folder.path, "results"))) {
    const [name = ""] = [...origins].find(([, origin]) => url.startsWith(`${origin}/`)) ?? [];
    const counts = ends.get(name);
    assert.ok(counts !== undefined, url);
    counts[state === "done" || state === "failed" ? state : "waiting"] += 1;
  }
  const none = { done: 0, failed: 0, waiting: 0 };
  const expected = Object.entries(kinds).map(([name, kind]) => [name, { ...none, ...kind.ends }] as const);
  const silent = ["tarpit", "refuses"].map((name) => [name, { ...none, waiting: pages }] as const);
  assert.deepEqual(Object.fromEntries(ends), Object.fromEntries([...expected, ...silent]), err);
});
