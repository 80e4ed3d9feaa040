import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { runHoldfast, startHoldfast } from "./support/holdfast.ts";
import { nginx } from "./support/nginx.ts";
import { freePort } from "./support/ports.ts";
import { listSecretForms } from "./support/secret-forms.ts";
import { socks4Proxy } from "./support/socks4.ts";
import { microsocks } from "./support/socks.ts";
import { squid } from "./support/squid.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const credentials = { user: "ada.lovelace", password: "l0ve=lace" };
const wrong = { user: credentials.user, password: "wr0ng.pass" };

interface Checked {
  readonly proxy: string;
  readonly works: boolean;
  readonly kind?: string;
  readonly exit?: string;
  readonly latency?: number;
  readonly failure?: { readonly reason: string; readonly fault: string };
}

interface World extends AsyncDisposable {
  readonly cwd: string;
  /** Returns the client's address as JSON at /ip and as text at /text; rejects 127.0.0.3 everywhere. */
  readonly url: string;
  /** The proxies of the list by their kind. */
  readonly hosts: Readonly<Record<"open" | "banned" | "locked" | "socks5" | "socks4" | "dead", string>>;
}

async function world(): Promise<World> {
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("proxies-check"));
  const telling = [
    "if ($remote_addr = 127.0.0.3) { return 403; }",
    `location = /ip { default_type application/json; return 200 '{"origin":"$remote_addr"}'; }`,
    'location = /text { default_type text/plain; return 200 "$remote_addr\\n"; }',
    'location = /page { default_type text/html; return 200 "<html>welcome</html>"; }',
  ];
  const server = stack.use(await nginx({ root: directory.path, conf: telling.join("\n") }));
  const http = stack.use(
    await squid([
      { outgoing: "127.0.0.2" },
      { outgoing: "127.0.0.3" },
      { outgoing: "127.0.0.4", credentials },
    ]),
  );
  const five = stack.use(await microsocks({ outgoing: "127.0.0.5" }));
  const four = stack.use(await socks4Proxy());
  const [open = "", banned = "", locked = ""] = http.urls.map((url) => new URL(url).host);
  const [socks5, dead] = [five.authority, `127.0.0.1:${await freePort()}`];
  return {
    cwd: directory.path,
    url: server.url,
    hosts: { open, banned, locked, socks5, socks4: `127.0.0.1:${four.port}`, dead },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("proxies check prints protocol and exit of working proxies, and the fault of the others", async () => {
  await using place = await world();
  const { cwd, url, hosts } = place;
  const { user, password } = credentials;
  const lines = [
    "# a list as it is sold",
    hosts.open,
    `${hosts.locked}:${user}:${password}`,
    `${wrong.user}:${wrong.password}@${hosts.locked}`,
    hosts.socks5,
    hosts.socks4,
    `socks5h://${hosts.socks5}`,
    hosts.banned,
    hosts.dead,
    `${user}:${password}`,
  ];
  await writeFile(join(cwd, "proxies.txt"), lines.join("\n"));
  const command = ["proxies", "check", "proxies.txt", "--url", `${url}/ip`, "--timeout", "5s"];

  const json = await runHoldfast([...command, "--json", "-j", "3"], { cwd });
  const table = await runHoldfast(command, { cwd });

  const answer = JSON.parse(json.stdout) as { proxies: readonly Checked[]; badLines: readonly string[] };
  const summary = answer.proxies.map(({ proxy, works, kind, exit, failure }) => [
    proxy,
    works,
    kind,
    exit ?? failure?.reason,
    failure?.fault,
  ]);
  assert.deepEqual(summary, [
    [`http://${hosts.open}`, true, "http", "127.0.0.2", undefined],
    [`http://${hosts.locked}`, true, "http", "127.0.0.4", undefined],
    [`http://${hosts.locked} #2`, false, "http", "auth", "proxy"],
    [`socks5://${hosts.socks5}`, true, "socks5", "127.0.0.5", undefined],
    [`socks4://${hosts.socks4}`, true, "socks4", "127.0.0.1", undefined],
    [`socks5h://${hosts.socks5}`, true, "socks5h", "127.0.0.5", undefined],
    [`http://${hosts.banned}`, false, "http", "http-403", "origin"],
    [`http://${hosts.dead}`, false, undefined, "unreachable", "proxy"],
  ]);
  assert.ok(answer.proxies.every(({ works, latency }) => !works || (latency ?? -1) >= 0));
  assert.match(answer.badLines.join(), /^proxies\.txt:10: [^,]+$/);
  assert.deepEqual([json.code, table.code, json.stderr, table.stderr], [3, 3, "", ""]);
  assert.match(table.stdout, /^proxy +works +protocol +exit +time +failure\n/);
  assert.match(table.stdout, new RegExp(`^socks5://${hosts.socks5} +yes +socks5 +127\\.0\\.0\\.5 +\\d`, "m"));
  assert.match(
    table.stdout,
    new RegExp(`^http://${hosts.dead} +no +unknown +- +- +unreachable, the proxy's fault: `, "m"),
  );
  assert.match(table.stdout, /\n5 of 9 work\n$/);
  for (const secret of [...listSecretForms(user, password), ...listSecretForms(wrong.user, wrong.password)])
    assert.ok(!(json.stdout + table.stdout).includes(secret), secret);
});

test("proxies check exits with 0 if all work and with 8 if none works, and leaves an unreported exit out", async () => {
  await using place = await world();
  const { cwd, url, hosts } = place;
  const check = (list: string, path: string): ReturnType<typeof runHoldfast> => {
    const running = startHoldfast(["proxies", "check", "-", "--url", url + path], { cwd, stdin: list });
    return running.ended.then(({ code, out, err }) => ({ code, stdout: out, stderr: err, signal: null }));
  };

  const all = await check(`${hosts.open}\n`, "/text");
  const silent = await check(`${hosts.open}\n`, "/page");
  const none = await check(`${hosts.dead}\n${hosts.banned}\n`, "/ip");
  const empty = await check("# nothing\n", "/ip");

  assert.deepEqual([all.code, silent.code, none.code, empty.code], [0, 0, 8, 2]);
  assert.match(all.stdout, / yes +http +127\.0\.0\.2 /);
  assert.match(silent.stdout, / yes +http +unknown /);
  assert.match(none.stdout, /\n0 of 2 work\n$/);
  assert.match(empty.stderr, /^holdfast proxies: standard input contains no proxy\n/);
});
