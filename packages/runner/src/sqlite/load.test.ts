import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";

const load = JSON.stringify(join(import.meta.dirname, "load.ts"));

describe("loading SQLite", () => {
  it("prints no warning of its own, and keeps every other", () => {
    const program = `
      const { openDatabase } = await import(${load});
      const before = process.emitWarning;
      openDatabase(":memory:").close();
      process.emitWarning("seen", "ExperimentalWarning");
      console.log(process.emitWarning === before);`;

    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--conditions=source", "--input-type=module", "-e", program],
      { encoding: "utf8" },
    );

    assert.equal(stdout, "true\n");
    assert.match(stderr, /ExperimentalWarning: seen/);
    assert.doesNotMatch(stderr, /SQLite/);
  });
});
