import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";

const moduleUrl = JSON.stringify(join(import.meta.dirname, "open-database.ts"));

describe("openDatabase", () => {
  it("suppresses the ExperimentalWarning of SQLite and no other warning", () => {
    const program = `
      const { openDatabase } = await import(${moduleUrl});
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
