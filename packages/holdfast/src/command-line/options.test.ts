import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseByteSize,
  parseDuration,
  parseHeaders,
  parseChoice,
  parseCommandLine,
  parseWholeNumber,
} from "./options.ts";
import { UsageError } from "../process/usage-error.ts";

const options = {
  output: { type: "string", short: "o" },
  header: { type: "string", short: "H", multiple: true },
  quiet: { type: "boolean" },
} as const;

function says(message: string): (error: unknown) => boolean {
  return (error) => error instanceof UsageError && error.message === message;
}

test("options and positionals are read in any order, short and long", () => {
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

test("a line that cannot be understood says which option is wrong", () => {
  const rows: readonly (readonly [readonly string[], string])[] = [
    [["--outptu", "x"], "unknown option --outptu (did you mean --output?)"],
    [["--nothing-like-it"], "unknown option --nothing-like-it"],
    [["-z"], "unknown option -z"],
    [["-o"], "-o, --output needs a value"],
    [["-o", "-H"], "-o needs a value (one that begins with a dash is written --name=-value)"],
    [["--quiet=yes"], "--quiet takes no value"],
  ];

  for (const [argv, message] of rows)
    assert.throws(() => parseCommandLine(argv, options), says(message), argv.join(" "));
});

test("a whole number is in its range or a usage error", () => {
  const range = { min: 1, max: 1_000 };

  assert.equal(parseWholeNumber("--n", undefined, range), undefined);
  assert.equal(parseWholeNumber("--n", "1", range), 1);
  assert.equal(parseWholeNumber("--n", "1000", range), 1_000);
  for (const text of ["0", "1001", "", "-1", "1.5", "1e2", "0x10", " 1", "many"]) {
    assert.throws(
      () => parseWholeNumber("--n", text, range),
      says(`--n: ${JSON.stringify(text)} is not a whole number from 1 to 1000`),
    );
  }
});

test("a size is in bytes or has a unit, and is of one byte at least", () => {
  const rows: readonly (readonly [string | undefined, number | undefined])[] = [
    [undefined, undefined],
    ["1", 1],
    ["10k", 10_240],
    ["5M", 5_242_880],
    ["1.5g", 1_610_612_736],
  ];

  for (const [text, bytes] of rows) assert.equal(parseByteSize("--max-bytes", text), bytes);
  for (const text of ["", "0", "0.1", "-1", "k", "5MB", "1T", "1e3", "9999999999G"]) {
    assert.throws(
      () => parseByteSize("--max-bytes", text),
      says(`--max-bytes: ${JSON.stringify(text)} is not a size, such as 10k, 5M or 1G`),
    );
  }
});

test("a duration has a unit and is longer than nothing", () => {
  assert.equal(parseDuration("--timeout", undefined), undefined);
  assert.equal(parseDuration("--timeout", "500ms"), 500);
  assert.equal(parseDuration("--timeout", "1.5s"), 1_500);
  assert.equal(parseDuration("--timeout", "2m"), 120_000);
  for (const text of ["", "10", "0s", "-1s", "5 s", "ten", "1w"]) {
    assert.throws(
      () => parseDuration("--timeout", text),
      says(`--timeout: ${JSON.stringify(text)} is not a duration, such as 500ms, 10s, 5m or 2h`),
    );
  }
});

test("an option of a few words is the first of them unless said otherwise", () => {
  assert.equal(parseChoice("--format", undefined, ["jsonl", "files"]), "jsonl");
  assert.equal(parseChoice("--format", "files", ["jsonl", "files"]), "files");
  assert.throws(
    () => parseChoice("--format", "csv", ["jsonl", "files"]),
    says('--format: "csv" is not one of jsonl, files'),
  );
});

test("headers are read as they are written, the last of a name wins", () => {
  assert.deepEqual(parseHeaders(), {});
  assert.deepEqual(parseHeaders(["Accept: text/html", "X-Empty:", "accept:  */* ", "X-Time: 10:20"]), {
    accept: "*/*",
    "X-Empty": "",
    "X-Time": "10:20",
  });
  for (const line of ["", "no colon", ": value", "Bad Name: 1", "A: 1\r\nB: 2", "A: \u0000"]) {
    assert.throws(
      () => parseHeaders([line]),
      says(`--header: ${JSON.stringify(line)} is not of the form 'Name: value'`),
    );
  }
});

test("a header that HTTP cannot carry is told by its name, without its value", () => {
  assert.deepEqual(parseHeaders(["X-Name: caf\u00e9"]), { "X-Name": "caf\u00e9" });
  assert.throws(
    () => parseHeaders(["X-Key: hunter2\u2603"]),
    says("--header: the value of X-Key has a character beyond Latin-1, which HTTP cannot carry"),
  );
  for (const name of ["Content-Length", "expect", "Keep-Alive", "Transfer-Encoding", "Upgrade"])
    assert.throws(
      () => parseHeaders([`${name}: 5`]),
      says(`--header: ${name} is the connection's own and cannot be given`),
    );
});
