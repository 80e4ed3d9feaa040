import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProgramState } from "../command-line/program-state.ts";
import { explainResume, formatResumeCommand } from "./resume-command.ts";

const state: ProgramState = { options: {}, headers: [], hasUnstoredProxies: false, source: "file" };

test("the command that continues a run names the folder, and what the folder does not have", () => {
  const rows: readonly (readonly [string, Partial<ProgramState>, string])[] = [
    ["results", {}, "holdfast run -o results"],
    ["my results", { options: { attempts: "2" } }, "holdfast run -o 'my results'"],
    ["r", { headers: [{ name: "Accept", value: "text/html" }] }, "holdfast run -o r"],
    [
      "r",
      { headers: [{ name: "X-Api-Key", unstored: true }] },
      "holdfast run -o r --header-env X-Api-Key=X_API_KEY",
    ],
    ["r", { headers: [{ name: "Authorization", env: "TOKEN" }] }, "holdfast run -o r"],
    ["r", { hasUnstoredProxies: true }, "holdfast run -o r --proxies FILE"],
  ];

  for (const [directory, changes, command] of rows)
    assert.equal(formatResumeCommand(directory, { ...state, ...changes }), command);
  assert.equal(formatResumeCommand("r", undefined), "holdfast run -o r");
});

test("a header whose value is not stored is explained", () => {
  assert.equal(explainResume(state), undefined);
  assert.equal(
    explainResume({ ...state, headers: [{ name: "Authorization", unstored: true }] }),
    "the value of Authorization is not stored: set AUTHORIZATION first, or give -H again",
  );
});
