import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseByteSize,
  parseDuration,
  parseHeaders,
  parseChoice,
  parseCommandLine,
  parseWholeNumber,
} from "./parse-options.ts";
import { UsageError } from "../process/usage-error.ts";

const options = {
  output: { type: "string", short: "o" },
  header: { type: "string", short: "H", multiple: true },
  quiet: { type: "boolean" },
} as const;

function says(message: string): (error: unknown) => boolean {
  return (error) => error instanceof UsageError && error.message === message;
}

test("parseCommandLine reads options and positionals in any order, short and long", () => {
  const rows: readonly (readonly [readonly string[], object, readonly string[]])[] = [
    [[], {}, []],
    [["urls.txt", "-o", "out"], { output: "out" }, ["urls.txt"]],
    [["--output=out", "-", "--quiet"], { output: "out", quiet: true }, ["-"]],
    [["-H", "A: 1", "-HB: 2"], { header: ["A: 1", "B: 2"] }, []],
    [["--", "-o"], {}, ["-o"]],
  ];

  for (const [argv, values, positionals] of rows) {
    const parsed = parseCommandLine(argv, options);
    assert.deepEqual({ ...parsed.values }, values, argv.join(" "));
    assert.deepEqual(parsed.positionals, positionals, argv.join(" "));
  }
});

test("parseCommandLine names the invalid option", () => {
  const rows: readonly (readonly [readonly string[], string])[] = [
    [["--outptu", "x"], "unknown option --outptu (did you mean --output?)"],
    [["--nothing-like-it"], "unknown option --nothing-like-it"],
    [["-z"], "unknown option -z"],
    [["-o"], "-o, --output needs a value"],
    [["-o", "-H"], "-o needs a value (write a value that begins with a dash as --name=-value)"],
    [["--quiet=yes"], "--quiet takes no value"],
  ];

  for (const [argv, message] of rows)
    assert.throws(() => parseCommandLine(argv, options), says(message), argv.join(" "));
});

test("parseWholeNumber rejects numbers out of range and other text", () => {
  const range = { min: 1, max: 1_000 };

  assert.equal(parseWholeNumber("n", undefined, range), undefined);
  assert.equal(parseWholeNumber("n", "1", range), 1);
  assert.equal(parseWholeNumber("n", "1000", range), 1_000);
  for (const text of ["0", "1001", "", "-1", "1.5", "1e2", "0x10", " 1", "many"]) {
    assert.throws(
      () => parseWholeNumber("n", text, range),
      says(`--n must be a whole number from 1 to 1000, got ${JSON.stringify(text)}`),
    );
  }
});

test("parseByteSize reads sizes of at least one byte, with or without a unit", () => {
  const rows: readonly (readonly [string | undefined, number | undefined])[] = [
    [undefined, undefined],
    ["1", 1],
    ["10k", 10_240],
    ["5M", 5_242_880],
    ["1.5g", 1_610_612_736],
  ];

  for (const [text, bytes] of rows) assert.equal(parseByteSize("max-bytes", text), bytes);
  for (const text of ["", "0", "0.1", "-1", "k", "5MB", "1T", "1e3", "9999999999G"]) {
    assert.throws(
      () => parseByteSize("max-bytes", text),
      says(`--max-bytes must be a size, such as 10k, 5M or 1G, got ${JSON.stringify(text)}`),
    );
  }
});

test("parseDuration reads durations with a unit, longer than 0", () => {
  assert.equal(parseDuration("timeout", undefined), undefined);
  assert.equal(parseDuration("timeout", "500ms"), 500);
  assert.equal(parseDuration("timeout", "1.5s"), 1_500);
  assert.equal(parseDuration("timeout", "2m"), 120_000);
  for (const text of ["", "10", "0s", "-1s", "5 s", "ten", "1w"]) {
    assert.throws(
      () => parseDuration("timeout", text),
      says(`--timeout must be a duration, such as 500ms, 10s, 5m or 2h, got ${JSON.stringify(text)}`),
    );
  }
});

test("parseChoice returns the first word by default and rejects unknown words", () => {
  assert.equal(parseChoice("format", undefined, ["jsonl", "files"]), "jsonl");
  assert.equal(parseChoice("format", "files", ["jsonl", "files"]), "files");
  assert.throws(
    () => parseChoice("format", "csv", ["jsonl", "files"]),
    says('--format must be one of jsonl, files, got "csv"'),
  );
});

test("parseHeaders keeps headers as written, the last of each name", () => {
  assert.deepEqual(parseHeaders(), {});
  assert.deepEqual(parseHeaders(["Accept: text/html", "X-Empty:", "accept:  */* ", "X-Time: 10:20"]), {
    accept: "*/*",
    "X-Empty": "",
    "X-Time": "10:20",
  });
  for (const line of ["", "no colon", ": value", "Bad Name: 1", "A: 1\r\nB: 2", "A: \u0000"]) {
    assert.throws(
      () => parseHeaders([line]),
      says(`--header must have the form 'Name: value', got ${JSON.stringify(line)}`),
    );
  }
});

test("parseHeaders names a header that cannot be sent, without its value", () => {
  assert.deepEqual(parseHeaders(["X-Name: caf\u00e9"]), { "X-Name": "caf\u00e9" });
  assert.throws(
    () => parseHeaders(["X-Key: hunter2\u2603"]),
    says("--header cannot send the value of X-Key: it has a character outside of Latin-1"),
  );
  for (const name of ["Content-Length", "expect", "Keep-Alive", "Transfer-Encoding", "Upgrade"])
    assert.throws(
      () => parseHeaders([`${name}: 5`]),
      says(`--header cannot set ${name}: the connection sets it itself`),
    );
});
