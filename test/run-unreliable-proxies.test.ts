import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { faultOrigin, raw, respond, tunnel, type FaultOrigin } from "@holdfast/http/testing";
import { readReport, readResults, type RunReport } from "@holdfast/runner";
import { certificates } from "./support/certificates.ts";
import { startHoldfast, type HoldfastResult } from "./support/holdfast.ts";
import { microsocks } from "./support/socks.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

interface RunResult {
  readonly ending: HoldfastResult;
  readonly report: RunReport;
  /** The outcome of each page. */
  readonly pages: readonly (readonly [url: string, state: string, body: string])[];
}

/** Runs the program on a list of URLs and proxies. */
async function run(
  urls: readonly string[],
  proxies: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  await using directory = await temporaryDirectory("unreliable-proxies");
  const { path: cwd } = directory;
  await writeFile(join(cwd, "urls.txt"), urls.join("\n"));
  await writeFile(join(cwd, "proxies.txt"), proxies.join("\n"));
  const ending = await startHoldfast(
    ["run", "urls.txt", "-o", "out", "--proxies", "proxies.txt", "-j", "8"],
    {
      cwd,
      env,
    },
  ).ended;
  const pages = [...readResults(join(cwd, "out"))].map(
    ({ url, state, body }) => [url, state, Buffer.from(body ?? []).toString()] as const,
  );
  return { ending, report: readReport(join(cwd, "out")), pages };
}

test("hosts that do not exist cost no page of other hosts, through real proxies that report no reason", async () => {
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(await faultOrigin({ routes: { "*": () => respond(200, { body: "here" }) } }));
  const socks = await Promise.all(Array.from({ length: 10 }, () => microsocks()));
  for (const each of socks) stack.use(each);
  // A label with more than 63 characters fails without a DNS query.
  const missing = (number: number): string => `http://${"x".repeat(64)}${number}.test/`;
  const urls = Array.from({ length: 200 }, (_, number) =>
    number % 40 === 3 ? missing(number) : `${origin.url}/${number}`,
  );

  const { ending, report, pages } = await run(
    urls,
    socks.map(({ authority }) => `socks5h://${authority}`),
  );

  assert.equal(ending.code, 4, ending.err);
  assert.deepEqual([report.lines, report.done, report.failed], [200, 195, 5]);
  assert.ok(pages.every(([url, state]) => (state === "failed") === url.includes("xxx")));
  assert.doesNotMatch(ending.err, /No proxy is (fit|available)/);
  assert.ok(report.proxies?.byProxy.every(({ requests, successes }) => successes >= 0.5 * requests));
});

test("a proxy that intercepts TLS and one behind a captive portal cost no page", async () => {
  await using stack = new AsyncDisposableStack();
  const { ca, good, selfSigned } = await certificates();
  const site = (tls: typeof good, body: string): Promise<FaultOrigin> =>
    faultOrigin({ routes: { "*": () => respond(200, { body }) }, tls });
  const origin = stack.use(await site(good, "here"));
  const evil = stack.use(await site(selfSigned, "evil"));
  const plain = stack.use(
    await faultOrigin({ routes: { "*": () => respond(200, { body: "a captive portal" }) } }),
  );
  const target = `localhost:${origin.port}`;
  const leadingTo = async ({ port }: { readonly port: number }): Promise<string> => {
    const proxy = await faultOrigin({ routes: { [target]: () => tunnel({ host: "127.0.0.1", port }) } });
    return new URL(stack.use(proxy).url).host;
  };
  const bad = [await leadingTo(evil), await leadingTo(plain)];
  const others = await Promise.all(Array.from({ length: 8 }, () => leadingTo(origin)));
  const urls = Array.from({ length: 200 }, (_, number) => `https://${target}/${number}`);

  const { ending, pages } = await run(urls, [...bad, ...others], { NODE_EXTRA_CA_CERTS: ca.certFile });

  assert.equal(ending.code, 0, ending.err);
  assert.equal(pages.length, 200);
  assert.ok(pages.every(([, state, body]) => state === "done" && body === "here"));
});

test("a proxy that corrupts response heads and one behind a captive portal cost no page over http", async () => {
  await using stack = new AsyncDisposableStack();
  const mangled = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde";
  const answers = [raw(mangled), respond(511), ...Array(4).fill(respond(200, { body: "here" }))];
  const proxies = await Promise.all(answers.map((answer) => faultOrigin({ routes: { "*": () => answer } })));
  for (const proxy of proxies) stack.use(proxy);
  const urls = Array.from({ length: 100 }, (_, number) => `http://shop.test/${number}`);

  const { ending, pages } = await run(
    urls,
    proxies.map(({ url }) => new URL(url).host),
  );

  assert.equal(ending.code, 0, ending.err);
  assert.equal(pages.length, 100);
  assert.ok(pages.every(([, state, body]) => state === "done" && body === "here"));
});

test("a rotating gateway serves a list although a third of its exits are banned, and no output has its credentials", async () => {
  // Each connection has another exit address.
  await using gateway = await faultOrigin({
    routes: {
      "*": ({ connection }) => (connection % 3 === 0 ? respond(403) : respond(200, { body: "here" })),
    },
  });
  const urls = Array.from({ length: 100 }, (_, number) => `http://shop.test/${number}`);
  const { host } = new URL(gateway.url);

  const marked = await run(urls, [`${host}:customer:s3cret rotatesPerConnection`]);
  const plain = await run(urls, [`${host}:customer:s3cret`]);

  assert.equal(marked.ending.code, 0, marked.ending.err);
  assert.ok(marked.pages.every(([, state, body]) => state === "done" && body === "here"));
  // Without `rotatesPerConnection`, a line has three attempts, each through any free connection.
  assert.ok(plain.report.done >= 75, plain.ending.err);
  for (const { ending } of [marked, plain])
    assert.doesNotMatch(ending.err, /customer|s3cret|No proxy is (fit|available)/);
});
