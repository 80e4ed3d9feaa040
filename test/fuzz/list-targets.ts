import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProxyPool } from "@holdfast/proxies";
import { readOptions } from "../../packages/holdfast/src/command-line/options-file.ts";
import { UsageError } from "../../packages/holdfast/src/process/usage-error.ts";
import { parseProxyList } from "../../packages/proxies/src/list/proxy-list.ts";
import { parseLine } from "../../packages/runner/src/input/parse-line.ts";
import {
  buildProxyReport,
  isProxyStats,
  mergeProxyStats,
} from "../../packages/runner/src/ledger/proxy-stats.ts";
import { decodeRecord, encodeRecord } from "../../packages/runner/src/sqlite/record.ts";
import { readJob } from "../../packages/runner/src/sqlite/row.ts";
import type { FuzzTarget } from "./target.ts";

const proxyLists: FuzzTarget = {
  name: "proxy lists",
  seeds: [
    "a.test:8080\n# comment\nhttp://ada:hunter22@b.test:1\nc.test:2:ada:hunter22\n",
    "socks5h://[::1]:1080 country=us weight=2 // x\n",
    "ip:port:user:pass\n192.0.2.1:80:u:hunter22",
    '[{"url":"a.test:1","country":"us"},"http://u:hunter22@b.test:2"]',
    '{"proxies":[{"url":"http://customer-{user}-cc-{country}-sessid-{session:alnum8}:{pass}@gw.test:7777","values":{"user":"u","pass":"hunter22"}}]}',
    '{"url":"a.test:1"}\n{"url":"b.test:2","weight":3}',
  ],
  tokens: [
    ":",
    "@",
    "//",
    "http://",
    "socks5://",
    "{",
    "}",
    "{session}",
    "{country}",
    "[",
    "]",
    '"',
    ",",
    "\n",
    "\r",
    "#",
    "%",
    "%00",
    "\0",
    "65536",
    "__proto__",
    "weight=",
    "country=",
    "\xff",
    " ",
  ],
  check: (input) => {
    for (const encoding of ["utf8", "latin1"] as const) {
      const { proxies, faults } = parseProxyList(input.toString(encoding), "list.txt");
      for (const { label } of proxies) assert.match(label, /^(?:https?|socks[45][ah]?):\/\/[^@/]+:\d+$/);
      for (const fault of faults) {
        assert.match(fault, /^list\.txt/);
        assert.doesNotMatch(fault, /hunter22/);
      }
    }
  },
};

const folder = mkdtempSync(join(tmpdir(), "holdfast-fuzz-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const options = {
  config: { type: "string" },
  concurrency: { type: "string" },
  quiet: { type: "boolean" },
  header: { type: "string", multiple: true },
  proxy: { type: "string", multiple: true },
} as const;

const config: FuzzTarget = {
  name: "config",
  seeds: [
    '{"concurrency":8,"header":["A: b","C: d"]}',
    '{"quiet":true,"proxy":"a.test:1"}',
    '{"concurency":8}',
    "[]",
    '{"__proto__":{"quiet":true},"constructor":1,"header":"x"}',
    '{"concurrency":{"a":[null]}}',
  ],
  tokens: [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    "__proto__",
    "constructor",
    "config",
    "--",
    "null",
    "true",
    "1e999",
    "\\u0000",
    "\xff",
    "header",
    "quiet",
  ],
  check: (input) => {
    const path = join(folder, "config.json");
    writeFileSync(path, input);
    try {
      const { values } = readOptions(["--config", path], options, (parsed) => parsed);
      for (const name of Object.keys(values)) assert.ok(Object.hasOwn(options, name), name);
    } catch (error) {
      assert.ok(error instanceof UsageError, String(error));
    }
  },
};

const stats = {
  proxy: "http://a.test:1",
  state: "available",
  requests: 1,
  successes: 1,
  blocks: 0,
  throttles: 0,
  failures: 0,
  cooldowns: 0,
  bytes: 5,
  cooldownReasons: { "http-403": 1 },
  activeCooldowns: [{ host: "b.test", reason: "http-403", until: 5 }],
};

const rows: FuzzTarget = {
  name: "ledger rows",
  seeds: [
    JSON.stringify([stats]),
    JSON.stringify([{ ...stats, cooldownReasons: null, activeCooldowns: [null] }]),
    JSON.stringify({
      proxies: { "http://a.test:1": [{ host: "b.test", cooldowns: 1, until: 5, reason: "x" }] },
    }),
    JSON.stringify({
      salt: "x",
      proxies: { "http://a.test:1 0123abcd": [{ cooldowns: 1, score: 2, asOf: 3 }] },
    }),
    JSON.stringify({ body: "x", headers: { a: "b" } }),
    JSON.stringify({ headers: null, method: 5 }),
    Buffer.concat([
      ...encodeRecord({ id: 1, url: "http://a.test/", attempts: [] }, Buffer.from("body")),
    ]).toString("latin1"),
    "https://a.test/?x=1#y",
  ],
  tokens: [
    "{",
    "}",
    "[",
    "]",
    "null",
    ":",
    ",",
    '"',
    "0",
    "-1",
    "1e400",
    '"proxy"',
    '"until"',
    '"host"',
    '"__proto__"',
    "\x50\x2a\x4d\x18",
    "\xff",
  ],
  check: (input) => {
    const text = input.toString("utf8");
    parseLine(text);
    assert.equal(decodeRecord(input)?.meta.url ?? "http://a.test/", "http://a.test/");
    try {
      readJob({ id: 1, line: 1, method: "GET", url: "http://a.test/", request: text });
    } catch (error) {
      assert.ok(error instanceof TypeError, String(error));
    }
    const value = parseJson(text);
    if (isProxyStats(value)) {
      const merged = mergeProxyStats(value, value);
      assert.equal(buildProxyReport(merged).totals.proxies, merged.length);
    }
    const pool = new ProxyPool(["a.test:1", "a.test:1:u:p"]);
    pool.restore(value);
    pool.restore(JSON.parse(JSON.stringify(pool.snapshot())));
    pool.stats();
  },
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The parsers of what users and earlier runs wrote. */
export const listTargets: readonly FuzzTarget[] = [proxyLists, config, rows];
