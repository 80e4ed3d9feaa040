import assert from "node:assert/strict";
import { test } from "node:test";
import {
  findCircles,
  findClockReads,
  explainForbiddenImport,
  findImports,
  explainMisplacedFile,
} from "../scripts/check-architecture.ts";

test("findImports returns every kind of import with its line, and skips comments and similar text", () => {
  const source = [
    'import type { A } from "./a.ts";',
    "import {",
    "  b,",
    '} from "./b.ts";',
    'export * from "./c.ts";',
    'import "./d.ts";',
    'const e = await import("./e.ts");',
    '// import { x } from "x";',
    '/** import { x } from "x"; */',
    'export interface F { readonly from: "f"; }',
    'export const g = Array.from("g");',
    'const words = ["import", "export", "from"];',
    'export type { H } from "./h.ts";',
  ].join("\n");

  const found = findImports(source);

  assert.deepEqual(
    found.map(({ specifier, line, type }) => [specifier, line, type]),
    [
      ["./a.ts", 1, true],
      ["./b.ts", 2, false],
      ["./c.ts", 5, false],
      ["./d.ts", 6, false],
      ["./h.ts", 13, true],
      ["./e.ts", 7, false],
    ],
  );
});

test("findClockReads returns reads of the clock and not dates from a number", () => {
  assert.deepEqual(findClockReads("const a = new Date(5);\nconst b = new Date();\n// new Date()\n"), [2]);
});

const refused: readonly (readonly [string, string, string, RegExp])[] = [
  ["policy", "retry/wait.ts", "node:os", /may not import node:os/],
  ["policy", "retry/wait.ts", "@holdfast/http", /may not import @holdfast\/http/],
  ["policy", "retry/wait.ts", "fast-check", /may not import fast-check/],
  ["http", "session/session.ts", "@holdfast/runner", /may not import/],
  ["http", "session/session.ts", "@holdfast/proxies", /may not import/],
  ["http", "session/session.ts", "holdfast", /may not import/],
  ["http", "session/session.ts", "structured-headers", /only retry\/dialects\/ imports structured-headers/],
  ["http", "transport/agents.ts", "undici", /may not import undici/],
  ["http", "transport/agents.ts", "tough-cookie-types/x", /may not import/],
  ["runner", "run/run.ts", "undici", /may not import undici/],
  ["runner", "run/run.ts", "@holdfast/http", /may not import/],
  ["runner", "run/run.ts", "node:test", /only tests/],
  ["runner", "output/jsonl.ts", "../../../policy/src/clock/clock.ts", /another package/],
  ["policy", "budget/retry-budget.ts", "../retry/retry.ts", /budget\/ is below retry\//],
  ["policy", "clock/clock.ts", "../retry/retry.ts", /clock\/ is below retry\//],
  ["http", "transport/wire/messages.ts", "../pool/endpoint.ts", /transport\/wire is below transport\/pool/],
  ["http", "transport/wire/messages.ts", "../strange.ts", /transport\/strange\.ts is not a layer/],
  ["policy", "retry/retry.ts", "../strange/strange.ts", /strange\/ is not a layer/],
  ["policy", "retry/retry.ts", "../index.ts", /entry of its own package/],
  ["policy", "retry/retry.ts", "../testing/refused-attempt.ts", /testing tool/],
  ["http", "session/session.ts", "@holdfast/policy/testing", /testing tool/],
  ["http", "session/session.ts", "../testing/origin/fault-origin.ts", /testing tool/],
  ["http", "testing/origin/fault-origin.ts", "fast-check", /may not import fast-check/],
  ["bullmq", "index.ts", "bullmq", /no rule for packages\/bullmq/],
];

for (const [packageName, file, specifier, message] of refused) {
  test(`${packageName}/${file} may not import ${specifier}`, () => {
    assert.match(explainForbiddenImport({ packageName, file, specifier }) ?? "allowed", message);
  });
}

const allowed: readonly (readonly [string, string, string])[] = [
  ["policy", "retry/retry.ts", "../clock/clock.ts"],
  ["policy", "retry/retry.ts", "./wait.ts"],
  ["policy", "retry/retry.ts", "../budget/retry-budget.ts"],
  ["policy", "index.ts", "./retry/retry.ts"],
  ["policy", "retry/retry.test.ts", "node:test"],
  ["policy", "testing/index.ts", "../clock/fake-clock.ts"],
  ["http", "retry/dialects/values.ts", "structured-headers"],
  ["http", "session/session.ts", "@holdfast/policy"],
  ["http", "testing/origin/fault-origin.ts", "node:net"],
  ["http", "testing/origin/fault-origin.ts", "@holdfast/policy/testing"],
  ["proxies", "pool/pool.ts", "@holdfast/http"],
  ["runner", "testing/ledger-contract.ts", "fast-check"],
];

for (const [packageName, file, specifier] of allowed) {
  test(`${packageName}/${file} may import ${specifier}`, () => {
    assert.equal(explainForbiddenImport({ packageName, file, specifier }), undefined);
  });
}

test("explainMisplacedFile rejects a file in the root of src and a folder that is not a layer", () => {
  assert.match(explainMisplacedFile("http", "session.ts") ?? "", /root of src/);
  assert.match(explainMisplacedFile("http", "strange/session.ts") ?? "", /not a layer/);
  assert.equal(explainMisplacedFile("http", "index.ts"), undefined);
  assert.equal(explainMisplacedFile("http", "session/session.ts"), undefined);
});

test("findCircles returns import circles and no chains", () => {
  const graph = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["a", "d"]],
    ["d", ["e"]],
    ["e", []],
    ["f", ["g"]],
    ["g", ["f", "e"]],
  ]);

  const circles = findCircles(graph);

  assert.deepEqual(
    circles.toSorted((left, right) => right.length - left.length),
    [
      ["a", "b", "c"],
      ["f", "g"],
    ],
  );
});
