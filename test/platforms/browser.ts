import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium } from "playwright-core";
import type { SuiteResult } from "./browser/test.ts";

/** The program of Debian's package `chromium`. */
export const chromiumPath = "/usr/bin/chromium";

/** The flags with which tests start it. */
export const chromiumFlags: string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-sync",
  "--no-first-run",
];

/** The results of the suite in a page and in a worker of that page. */
export interface BrowserRun {
  readonly version: string;
  readonly page: SuiteResult;
  readonly worker: SuiteResult;
}

const page = "<!doctype html><script type=module src=/suite.js></script>";
const worker = 'import "/suite.js"; postMessage(await runSuite());';

/** Runs a bundled suite in a new headless Chromium, served from a loopback port. */
export async function runInChromium(suite: string): Promise<BrowserRun> {
  const files: Readonly<Record<string, readonly [string, string | Buffer]>> = {
    "/": ["text/html", page],
    "/worker.js": ["text/javascript", worker],
    "/suite.js": ["text/javascript", await readFile(suite)],
  };
  const server = createServer(({ url = "/" }, response) => {
    const [type, content] = files[url] ?? ["text/plain", ""];
    response.setHeader("content-type", type).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    headless: true,
    args: chromiumFlags,
  });
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return {
      version: browser.version(),
      page: await tab.evaluate(inPage),
      worker: await tab.evaluate(inWorker),
    };
  } finally {
    await browser.close();
    server.close();
  }
}

// Both run in the page, where the suite has defined `runSuite`.
const inPage = "globalThis.runSuite()" as unknown as () => Promise<SuiteResult>;
const inWorker = `new Promise((resolve, reject) => {
  const worker = new Worker("/worker.js", { type: "module" });
  worker.onmessage = (event) => resolve(event.data);
  worker.onerror = (event) => reject(new Error(event.message));
})` as unknown as () => Promise<SuiteResult>;
