import assert from "node:assert/strict";
import { test } from "node:test";
import { TlsError } from "../errors/transport-errors.ts";
import { logTo, type LogToOptions } from "./log.ts";
import type { RequestOptions } from "../call/options.ts";
import type { ScriptedEntry } from "../testing/scripted/scripted-adapter.ts";
import { scripted } from "../testing/scripted/scripted-session.ts";

interface Play extends RequestOptions {
  readonly log?: LogToOptions;
}

/** Returns the log lines of one call, each after its level. */
async function linesOf(
  script: readonly ScriptedEntry[],
  { log, ...options }: Play = {},
): Promise<readonly string[]> {
  const lines: string[] = [];
  const logger = {
    debug: (line: string): void => void lines.push(`debug ${line}`),
    warn: (line: string): void => void lines.push(`warn ${line}`),
    error: (line: string): void => void lines.push(`error ${line}`),
  };
  const { session } = scripted(script, {
    hooks: logTo(logger, log),
    headers: { "user-agent": "t", "accept-encoding": undefined },
  });
  await session.get("https://a.test/x?key=s3cret", options).catch(() => undefined);
  return lines;
}

const name = "GET https://a.test/x?key=***";
const certificate = new TlsError("bad certificate", { certificate: true, errno: "CERT_HAS_EXPIRED" });

const calls: readonly (readonly [
  what: string,
  script: readonly ScriptedEntry[],
  lines: readonly string[],
])[] = [
  ["a success", [{ takes: "1.5s" }], [`debug ${name} attempt 1 took 1.5s: 200`]],
  [
    "a retry",
    [{ status: 503, headers: { "retry-after": "7" } }, {}],
    [
      `debug ${name} attempt 1 took 0ms: 503`,
      `warn ${name} will be retried in 7s (retry-after) after attempt 1: 503`,
      `debug ${name} attempt 2 took 0ms: 200`,
    ],
  ],
  [
    "a Retry-After beyond retryAfterMax",
    [{ status: 503, headers: { "retry-after": "7200" } }],
    [
      `debug ${name} attempt 1 took 0ms: 503`,
      `error ${name} failed after 1 attempt in 0ms: 503 (retry-after-too-long). Advice: Retry later: restarts and load spikes usually pass within minutes`,
    ],
  ],
  [
    "a permanent failure",
    [{ status: 404 }],
    [
      `debug ${name} attempt 1 took 0ms: 404`,
      `warn ${name} failed after 1 attempt in 0ms: 404 (not-retried: http-404). Advice: Check the URL: the server has no such resource`,
    ],
  ],
  [
    "an error",
    [{ error: certificate }],
    [
      `debug ${name} attempt 1 took 0ms: TlsError: bad certificate`,
      `error ${name} failed after 1 attempt in 0ms: TlsError: bad certificate (not-retried: tls-certificate). Advice: Renew the server's certificate, or trust its issuer`,
    ],
  ],
  [
    "an error of the caller",
    [{ error: new TypeError("two\nlines") }],
    [`debug ${name} was cancelled: TypeError: two lines`],
  ],
];

for (const [what, script, expected] of calls) {
  test(`logs ${what}`, async () => {
    assert.deepEqual(await linesOf(script), expected);
  });
}

test("logs an abort as cancelled", async () => {
  const lines = await linesOf([{ status: 503 }, {}], {
    hooks: { retry: [() => Promise.reject(new DOMException("enough", "AbortError"))] },
  });

  assert.deepEqual(lines.slice(2), [`debug ${name} was cancelled: AbortError: enough`]);
});

const amounts: readonly (readonly [level: NonNullable<LogToOptions["level"]>, levels: readonly string[]])[] =
  [
    ["debug", ["debug", "warn", "debug", "warn", "debug", "warn", "debug", "error"]],
    ["warn", ["warn", "warn", "warn", "error"]],
    ["error", ["error"]],
  ];

for (const [level, expected] of amounts) {
  test(`a logger at level ${level} receives ${expected.length} lines of a call that gives up`, async () => {
    const lines = await linesOf([{ status: 503 }], { log: { level } });

    assert.deepEqual(
      lines.map((line) => line.split(" ")[0]),
      expected,
    );
  });
}

test("with headers: true, headers are logged at debug without credentials", async () => {
  const options: Play = {
    log: { headers: true, sensitiveHeaders: ["X-Tenant"] },
    headers: { authorization: "Basic bWU6", cookie: "a=1", "x-tenant": "acme", accept: ["a/b", "c/d"] },
  };
  const script = [{ headers: { "set-cookie": ["a=1", "b=2"], location: "https://me:pw@b.test/" } }];

  const lines = await linesOf(script, options);

  assert.deepEqual(lines.filter((line) => /^debug [<>]/.test(line)).toSorted(), [
    "debug < location: https://***@b.test/",
    "debug < set-cookie: ***",
    "debug < set-cookie: ***",
    "debug > accept: a/b",
    "debug > accept: c/d",
    "debug > authorization: ***",
    "debug > cookie: ***",
    "debug > user-agent: t",
    "debug > x-tenant: ***",
  ]);
});

test("headers are not logged above debug", async () => {
  assert.deepEqual(await linesOf([{}], { log: { headers: true, level: "warn" } }), []);
});

test("console is a logger", () => {
  assert.equal(typeof logTo(console).attempt?.[0], "function");
});
