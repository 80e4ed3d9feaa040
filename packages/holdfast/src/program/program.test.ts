import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { commandNames, runProgram } from "./program.ts";

async function call(
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const stdout = new PassThrough({ encoding: "utf8" });
  const stderr = new PassThrough({ encoding: "utf8" });
  const stdin = Object.assign(Readable.from([]), { isTTY: true });
  const code = await runProgram(argv, {
    stdin,
    stdout,
    stderr,
    env: {},
    signals: new EventEmitter(),
    clock: fakeClock(),
    exit: () => undefined,
  });
  return { code, out: String(stdout.read() ?? ""), err: String(stderr.read() ?? "") };
}

test("help is to be had in every usual way, on standard output, in 80 columns", async () => {
  const pages = [
    ["--help"],
    ["-h"],
    ["help"],
    ...commandNames.flatMap((name) => [
      [name, "--help"],
      [name, "-h"],
      ["help", name],
      [name, "--nonsense", "--help"],
    ]),
  ];

  for (const argv of pages) {
    const { code, out, err } = await call(...argv);
    assert.equal(code, 0, argv.join(" "));
    assert.equal(err, "", argv.join(" "));
    assert.match(out, /^.+\n\nUsage\n {2}holdfast /, argv.join(" "));
    assert.ok(out.endsWith("\n"));
    for (const line of out.split("\n")) assert.ok(line.length <= 80, line);
  }
});

test("every command is in the overview and has examples", async () => {
  const { out } = await call("--help");

  for (const name of commandNames) {
    assert.match(out, new RegExp(`^ {2}holdfast ${name} `, "m"));
    assert.match((await call(name, "--help")).out, new RegExp(`\nExamples\n(.*\n)*.*holdfast ${name} `));
  }
});

test("the version is the package's", async () => {
  assert.match((await call("--version")).out, /^holdfast \d+\.\d+\.\d+\n$/);
  assert.equal((await call("-V")).out, (await call("--version")).out);
});

test("a command line that cannot be understood ends with 2 and says why on standard error", async () => {
  const rows: readonly (readonly [readonly string[], string])[] = [
    [["rnu"], "holdfast: unknown command rnu (did you mean run?)\n  See holdfast --help\n"],
    [["fetch"], "holdfast: unknown command fetch\n  See holdfast --help\n"],
    [["--verion"], "holdfast: unknown option --verion\n  See holdfast --help\n"],
    [
      ["run", "--rest", "1m"],
      "holdfast run: unknown option --rest (did you mean --cooldown?)\n  See holdfast run --help\n",
    ],
    [
      ["run", "--outptu", "x"],
      "holdfast run: unknown option --outptu (did you mean --output?)\n  See holdfast run --help\n",
    ],
    [
      ["run", "--concurrency", "lots", "-"],
      'holdfast run: --concurrency: "lots" is not a whole number from 1 to 10000\n  See holdfast run --help\n',
    ],
    [
      ["run", "--timeout", "10", "-"],
      'holdfast run: --timeout: "10" is not a duration, such as 500ms, 10s, 5m or 2h\n  See holdfast run --help\n',
    ],
    [
      ["run", "--progress", "dots", "-"],
      'holdfast run: --progress: "dots" is not one of auto, bar, plain, none\n  See holdfast run --help\n',
    ],
    [
      ["run", "no-such.txt"],
      "holdfast run: cannot read no-such.txt: no such file\n  See holdfast run --help\n",
    ],
    [
      ["run", "-o", "no-such"],
      "holdfast run: no list is given, and there is no run in no-such to go on with\n  See holdfast run --help\n",
    ],
    [
      ["run", "--rotation", "sideways", "--proxies", "p.txt", "-"],
      'holdfast run: --rotation: "sideways" is not one of round-robin, random, weighted, least-used, least-recently-used\n  See holdfast run --help\n',
    ],
    [
      ["run", "--sticky", "page", "-x", "a.test:1", "-"],
      'holdfast run: --sticky: "page" is not one of none, host\n  See holdfast run --help\n',
    ],
    [
      ["run", "--cooldown", "long", "-x", "a.test:1", "-"],
      'holdfast run: --cooldown: "long" is not a duration, such as 500ms, 10s, 5m or 2h\n  See holdfast run --help\n',
    ],
    [
      ["run", "--country", "us", "-"],
      "holdfast run: --country is for proxies: give --proxies FILE, or --proxy\n  See holdfast run --help\n",
    ],
    [
      ["get", "--proxies", "p.txt", "--proxy", "a.test:1", "http://a.test/"],
      "holdfast get: give --proxies or --proxy, not both\n  See holdfast get --help\n",
    ],
    [
      ["run", "--direct", "--proxies", "p.txt", "-"],
      "holdfast run: --direct is for going on without proxies, and some are named\n  See holdfast run --help\n",
    ],
    [
      ["get", "--proxies", "no-such.txt", "http://a.test/"],
      "holdfast get: cannot read no-such.txt: no such file\n  See holdfast get --help\n",
    ],
    [
      ["get", "--proxies", "ada:s3cret@a.test:1", "http://a.test/"],
      "holdfast get: there is no list of proxies of that name (one proxy alone is given by --proxy)\n  See holdfast get --help\n",
    ],
    [
      ["get", "--proxy", "a.test:1", "--proxy", "ada:s3cret@", "http://a.test/"],
      "holdfast get: the list of proxies: proxy 2: the host is none\n  See holdfast get --help\n",
    ],
    [
      ["get", "--config", "no-such.json", "http://a.test/"],
      "holdfast get: cannot read no-such.json: no such file\n  See holdfast get --help\n",
    ],
    [["proxies"], "holdfast proxies: say what to do with them: check\n  See holdfast proxies --help\n"],
    [
      ["proxies", "chekc", "p.txt"],
      "holdfast proxies: say what to do with them: check (did you mean check?)\n  See holdfast proxies --help\n",
    ],
    [
      ["proxies", "check"],
      "holdfast proxies: give one list of proxies, got 0\n  See holdfast proxies --help\n",
    ],
    [
      ["proxies", "check", "p.txt"],
      "holdfast proxies: --url URL says what to ask for through each proxy\n  See holdfast proxies --help\n",
    ],
    [["status"], "holdfast status: give the directory of one run, got 0\n  See holdfast status --help\n"],
    [["status", "no-such"], "holdfast status: there is no run in no-such\n  See holdfast status --help\n"],
    [["export", "no-such"], "holdfast export: there is no run in no-such\n  See holdfast export --help\n"],
    [
      ["export", "--format", "xml", "x"],
      'holdfast export: --format: "xml" is not one of jsonl, files\n  See holdfast export --help\n',
    ],
    [
      ["get"],
      "holdfast get: expected one URL, got 0 (to fetch several, use holdfast run)\n  See holdfast get --help\n",
    ],
    [
      ["get", "example.com"],
      'holdfast get: "example.com" is not an http or https URL (did you mean https://example.com?)\n  See holdfast get --help\n',
    ],
    [
      ["get", "ftp://example.com"],
      'holdfast get: "ftp://example.com" is not an http or https URL\n  See holdfast get --help\n',
    ],
  ];

  for (const [argv, err] of rows) assert.deepEqual(await call(...argv), { code: 2, out: "", err });
});

test("a list of proxies that cannot be used is told by file and line, and nothing of it is quoted", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-proxies-"));
  try {
    const lists = join(folder, "lists.txt");
    await writeFile(lists, "# mine\na.test:1\nada:s3cret:a.test\n");
    const empty = join(folder, "empty.txt");
    await writeFile(empty, "\n# none yet\n");

    const bad = await call("run", "--proxies", lists, "http://a.test/", "-o", join(folder, "out"));
    const none = await call("run", "--proxies", empty, "http://a.test/", "-o", join(folder, "out"));

    assert.deepEqual([bad.code, none.code], [2, 2]);
    assert.match(bad.err, /^holdfast run: lists\.txt:3: [^\n]+\n {2}See holdfast run --help\n$/);
    assert.doesNotMatch(bad.err, /s3cret|ada/);
    assert.equal(none.err, "holdfast run: there is no proxy in empty.txt\n  See holdfast run --help\n");
    assert.equal(existsSync(join(folder, "out")), false);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("without a command the overview is shown as an error", async () => {
  const { code, out, err } = await call();

  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /^holdfast: HTTP/);
});
