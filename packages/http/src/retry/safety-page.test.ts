import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { test } from "node:test";
import { noBody, type Body } from "../model/body.ts";
import {
  ConnectionError,
  ConnectTimeoutError,
  IncompleteBodyError,
  ProxyError,
  ReadTimeoutError,
  TlsError,
} from "../errors/transport-errors.ts";
import { HttpResponse } from "../model/response.ts";
import { sessionDefaults } from "../session/defaults.ts";
import { decideRetry } from "./retry-decision.ts";

const page = readFileSync(new URL("../../../../docs/explanation/safety.md", import.meta.url), "utf8");

/** The errors and statuses of each row of the page, by the beginning of its first cell. */
const rows: readonly (readonly [row: RegExp, outcomes: readonly (number | Error)[]])[] = [
  [
    /^the name is not found/,
    [
      connection("ECONNREFUSED", "connect", false),
      connection("ENOTFOUND", "dns", false),
      new ConnectTimeoutError("a.test", 1),
      new TlsError("cut", { certificate: false, errno: "ECONNRESET" }),
      new ProxyError("refused", { reason: "unreachable" }),
    ],
  ],
  [
    /^a kept-alive connection closes before the first byte is sent/,
    [connection("ECONNRESET", "connect", false)],
  ],
  [/^HTTP\/2: RST_STREAM/, [connection("ECONNRESET", "headers", false)]],
  [/^HTTP\/2: GOAWAY/, [connection("ECONNRESET", "headers", false)]],
  [/^421/, [421]],
  [/^425/, [425]],
  [
    /^a kept-alive connection closes before the first byte of the response/,
    [connection("ECONNRESET", "headers", true)],
  ],
  [
    /^the connection breaks/,
    [connection("ECONNRESET", "headers", true), new ReadTimeoutError("a.test", 1, "headers")],
  ],
  [/^the response breaks off/, [new IncompleteBodyError(1, 2)]],
  [/^408, 429/, [408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]],
  [/^409/, [409]],
];

function connection(errno: string, phase: "dns" | "connect" | "headers", mayHaveArrived: boolean): Error {
  return new ConnectionError("broken", { errno, phase, mayHaveArrived });
}

const stream: Body = { kind: "one-shot", stream: Readable.from(["x"]) };

/** The requests of each column of the page. */
const columns: readonly (readonly [methods: readonly string[], key: string | undefined, body: Body])[] = [
  [["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"], undefined, noBody],
  [["POST", "PATCH"], undefined, noBody],
  [["POST", "PATCH"], "k-1", noBody],
  [["PUT"], undefined, stream],
];

const lines = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| event"))
  .map((line) => line.slice(2, -2).split(" | "));

test("docs/explanation/safety.md has exactly the rows that this file tests", () => {
  assert.equal(lines.length, rows.length);
  for (const [row] of rows)
    assert.equal(lines.filter(([event = ""]) => row.test(event)).length, 1, String(row));
});

for (const [event = "", , ...cells] of lines) {
  test(`docs/explanation/safety.md matches the decision when ${event}`, async () => {
    const [, outcomes = []] = rows.find(([row]) => row.test(event)) ?? [];
    for (const outcome of outcomes) {
      for (const [index, [methods, key, body]] of columns.entries()) {
        for (const method of methods) {
          const decision = await decideRetry(factsOf(outcome, { method, key, body }));

          assert.equal(
            decision.again === "yes",
            cells[index]?.startsWith("repeated"),
            `${method} ${key} ${body.kind} ${String(outcome)}: ${JSON.stringify(decision)}`,
          );
        }
      }
    }
  });
}

function factsOf(
  outcome: number | Error,
  { method, key, body }: { readonly method: string; readonly key: string | undefined; readonly body: Body },
): Parameters<typeof decideRetry>[0] {
  const url = "https://a.test/";
  const head = { statusText: "", url, headers: {}, content: new Uint8Array(0) };
  return {
    request: { method, url: new URL(url), body, idempotencyKey: key },
    // As in `Call`, a key allows every method to be repeated.
    retry: key === undefined ? sessionDefaults.retry : sessionDefaults.retry.new({ allowedMethods: null }),
    ...(typeof outcome === "number"
      ? { response: new HttpResponse({ status: outcome, ...head }) }
      : { error: outcome }),
    previousVerdicts: [],
    now: 0,
  };
}
