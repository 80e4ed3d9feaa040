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

test("every form of --help prints to standard output, in 80 columns", async () => {
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

test("every command is in the help of the program and has examples", async () => {
  const { out } = await call("--help");

  for (const name of commandNames) {
    assert.match(out, new RegExp(`^ {2}holdfast ${name} `, "m"));
    assert.match((await call(name, "--help")).out, new RegExp(`\nExamples\n(.*\n)*.*holdfast ${name} `));
  }
});

test("--version prints the version of the package", async () => {
  assert.match((await call("--version")).out, /^holdfast \d+\.\d+\.\d+\n$/);
  assert.equal((await call("-V")).out, (await call("--version")).out);
});

test("an invalid command line exits with 2 and prints the error on standard error", async () => {
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
      'holdfast run: --concurrency must be a whole number from 1 to 10000, got "lots"\n  See holdfast run --help\n',
    ],
    [
      ["run", "--timeout", "10", "-"],
      'holdfast run: --timeout must be a duration, such as 500ms, 10s, 5m or 2h, got "10"\n  See holdfast run --help\n',
    ],
    [
      ["run", "--progress", "dots", "-"],
      'holdfast run: --progress must be one of auto, bar, plain, none, got "dots"\n  See holdfast run --help\n',
    ],
    [
      ["run", "no-such.txt"],
      "holdfast run: cannot read no-such.txt: no such file\n  See holdfast run --help\n",
    ],
    [
      ["run", "-o", "no-such"],
      "holdfast run: expected a list of URLs: none was given, and no-such does not contain a run to continue\n  See holdfast run --help\n",
    ],
    [
      ["run", "--rotation", "sideways", "--proxies", "p.txt", "-"],
      'holdfast run: --rotation must be one of round-robin, random, weighted, least-used, least-recently-used, got "sideways"\n  See holdfast run --help\n',
    ],
    [
      ["run", "--sticky", "page", "-x", "a.test:1", "-"],
      'holdfast run: --sticky must be one of none, host, got "page"\n  See holdfast run --help\n',
    ],
    [
      ["run", "--cooldown", "long", "-x", "a.test:1", "-"],
      'holdfast run: --cooldown must be a duration, such as 500ms, 10s, 5m or 2h, got "long"\n  See holdfast run --help\n',
    ],
    [
      ["run", "--country", "us", "-"],
      "holdfast run: --country requires proxies: add --proxies FILE or --proxy PROXY\n  See holdfast run --help\n",
    ],
    [
      ["get", "--proxies", "p.txt", "--proxy", "a.test:1", "http://a.test/"],
      "holdfast get: --proxies and --proxy cannot be combined\n  See holdfast get --help\n",
    ],
    [
      ["run", "--direct", "--proxies", "p.txt", "-"],
      "holdfast run: --direct cannot be combined with --proxies or --proxy\n  See holdfast run --help\n",
    ],
    [
      ["get", "--proxies", "no-such.txt", "http://a.test/"],
      "holdfast get: cannot read no-such.txt: no such file\n  See holdfast get --help\n",
    ],
    [
      ["get", "--proxies", "ada:s3cret@a.test:1", "http://a.test/"],
      "holdfast get: cannot read the list of proxies: no such file (for a single proxy, use --proxy)\n  See holdfast get --help\n",
    ],
    [
      ["get", "--proxy", "a.test:1", "--proxy", "ada:s3cret@", "http://a.test/"],
      "holdfast get: the list of proxies: proxy 2: the host is not a valid name or IP address\n  See holdfast get --help\n",
    ],
    [
      ["get", "--config", "no-such.json", "http://a.test/"],
      "holdfast get: cannot read no-such.json: no such file\n  See holdfast get --help\n",
    ],
    [
      ["proxies"],
      "holdfast proxies: expected a command: holdfast proxies check FILE\n  See holdfast proxies --help\n",
    ],
    [
      ["proxies", "chekc", "p.txt"],
      "holdfast proxies: unknown command proxies chekc (did you mean check?)\n  See holdfast proxies --help\n",
    ],
    [
      ["proxies", "check"],
      "holdfast proxies: expected one list of proxies, got 0\n  See holdfast proxies --help\n",
    ],
    [
      ["proxies", "check", "p.txt"],
      "holdfast proxies: --url is required: the URL to request through each proxy\n  See holdfast proxies --help\n",
    ],
    [["status"], "holdfast status: expected one run directory, got 0\n  See holdfast status --help\n"],
    [
      ["status", "no-such"],
      "holdfast status: no-such does not contain a run\n  See holdfast status --help\n",
    ],
    [
      ["export", "no-such"],
      "holdfast export: no-such does not contain a run\n  See holdfast export --help\n",
    ],
    [
      ["export", "--format", "xml", "x"],
      'holdfast export: --format must be one of jsonl, files, got "xml"\n  See holdfast export --help\n',
    ],
    [
      ["get"],
      "holdfast get: expected one URL, got 0 (to fetch several, use holdfast run)\n  See holdfast get --help\n",
    ],
    [
      ["get", "example.com"],
      'holdfast get: expected an http or https URL, got "example.com" (did you mean https://example.com?)\n  See holdfast get --help\n',
    ],
    [
      ["get", "ftp://example.com"],
      'holdfast get: expected an http or https URL, got "ftp://example.com"\n  See holdfast get --help\n',
    ],
  ];

  for (const [argv, err] of rows) assert.deepEqual(await call(...argv), { code: 2, out: "", err });
});

test("an invalid list of proxies is reported by file and line, without its content", async () => {
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
    assert.equal(none.err, "holdfast run: empty.txt contains no proxy\n  See holdfast run --help\n");
    assert.equal(existsSync(join(folder, "out")), false);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("without a command the help is printed as an error", async () => {
  const { code, out, err } = await call();

  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /^Fetch URLs/);
});
