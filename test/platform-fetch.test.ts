import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { build, type Metafile } from "esbuild";
import { chromium } from "playwright-core";
import { chromiumFlags, chromiumPath } from "./platforms/browser.ts";
import { temporaryDirectory, type TemporaryDirectory } from "./support/temporary-directory.ts";

let directory: TemporaryDirectory;
let bundle: string;
let graph: Metafile;

before(async () => {
  directory = await temporaryDirectory("platform-fetch");
  bundle = join(directory.path, "fetch.js");
  ({ metafile: graph } = await build({
    stdin: { contents: 'export * from "@holdfast/http/fetch";', resolveDir: import.meta.dirname },
    outfile: bundle,
    bundle: true,
    format: "esm",
    platform: "browser",
    conditions: ["source"],
    metafile: true,
    logLevel: "silent",
    external: ["node:*"],
  }));
});

after(() => directory[Symbol.asyncDispose]());

test("@holdfast/http/fetch imports no module of Node", () => {
  const imports = Object.entries(graph.inputs).flatMap(([file, input]) =>
    input.imports.filter(({ external }) => external === true).map(({ path }) => `${file}: ${path}`),
  );

  assert.deepEqual(imports, []);
});

/** What runs in a page and in a worker. Each row is a name and a result. */
const scenario = `
import { createFetch } from "/fetch.js";
const fetch = createFetch({ retry: { total: 3, backoffFactor: 5 }, idempotencyKey: "auto" });
const text = async (path, init) => {
  const response = await fetch(path, init);
  return response.status + " " + await response.text();
};
const results = {
  get: await text("/flaky?id=get"),
  cut: await text("/cut?id=cut"),
  limited: await text("/limited?id=limited"),
  post: await text("/flaky?id=post", { method: "POST", body: "hello" }),
  form: await text("/flaky?id=form", { method: "PUT", body: Object.assign(new FormData(), {}) }),
  request: await text(new Request("/flaky?id=request", { method: "PUT", body: "abc" })),
  down: await text("/down?id=down"),
  aborted: await fetch("/flaky?id=aborted", { signal: AbortSignal.abort(new Error("mine")) }).catch((error) => error.message),
  unreachable: await fetch("http://127.0.0.1:1/").catch((error) => error.name),
};
`;

interface Seen {
  readonly method: string;
  readonly body: string;
  readonly key: string;
}

test("createFetch retries in Chromium, in a page and in a worker", async () => {
  const seen = new Map<string, Seen[]>();
  const fetchModule = await readFile(bundle);
  const files: Readonly<Record<string, readonly [string, string | Buffer]>> = {
    "/": ["text/html", "<!doctype html><title>fetch</title>"],
    "/fetch.js": ["text/javascript", fetchModule],
    "/page.js": ["text/javascript", `${scenario}\nglobalThis.results = results;`],
    "/worker.js": ["text/javascript", `${scenario}\npostMessage(results);`],
  };
  const reply = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const file = files[url.pathname];
    if (file !== undefined) return void response.setHeader("content-type", file[0]).end(file[1]);
    const earlier = seen.get(url.searchParams.get("id") ?? "") ?? [];
    earlier.push({
      method: request.method ?? "",
      body: await text(request),
      key: String(request.headers["idempotency-key"] ?? ""),
    });
    seen.set(url.searchParams.get("id") ?? "", earlier);
    if (url.pathname !== "/down" && earlier.length >= 3) return void response.end(`after ${earlier.length}`);
    if (url.pathname === "/cut") return void request.socket.destroy();
    if (url.pathname === "/limited") return void response.writeHead(429, { "retry-after": "0" }).end();
    response.writeHead(503).end("down");
  };
  const server = createServer((request, response) => void reply(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    headless: true,
    args: chromiumFlags,
  });
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    for (const run of [inPage, inWorker]) {
      seen.clear();
      const results = await tab.evaluate(run);

      assert.deepEqual(results, {
        get: "200 after 3",
        cut: "200 after 3",
        limited: "200 after 3",
        post: "200 after 3",
        form: "200 after 3",
        request: "200 after 3",
        down: "503 down",
        aborted: "mine",
        unreachable: "TypeError",
      });
      const [first, ...others] = seen.get("post") ?? [];
      assert.equal(first?.body, "hello");
      assert.equal(first.key.length, 36);
      assert.deepEqual(others, [first, first]);
      assert.deepEqual(
        seen.get("request")?.map(({ body }) => body),
        ["abc", "abc", "abc"],
      );
      assert.equal(seen.get("down")?.length, 4);
    }
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
});

type Results = Readonly<Record<string, string>>;

// Both run in the page.
const inPage = 'import("/page.js").then(() => globalThis.results)' as unknown as () => Promise<Results>;
const inWorker = `new Promise((resolve, reject) => {
  const worker = new Worker("/worker.js", { type: "module" });
  worker.onmessage = (event) => resolve(event.data);
  worker.onerror = (event) => reject(new Error(event.message));
})` as unknown as () => Promise<Results>;
