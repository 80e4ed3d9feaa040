import { run } from "node:test";
import { spec } from "node:test/reporters";

/** The test suites and their options. Run one with `node --conditions=source scripts/test.ts unit [files...]`. */
const suites = {
  // Many small files in one process: a process for each file takes ten times as long as the tests.
  unit: { files: ["packages/*/src/**/*.test.ts"], isolation: "none", timeout: 60_000 },
  programs: { files: ["test/**/*.test.ts"], isolation: "process", concurrency: 2, timeout: 300_000 },
} as const;

const [name = "", ...files] = process.argv.slice(2);
if (name !== "unit" && name !== "programs")
  throw new Error(`Expected the suite ${Object.keys(suites).join(" or ")}, got "${name}"`);
const { files: defaultFiles, ...runOptions } = suites[name];

let tests = 0;
const problems: string[] = [];
const stop = new AbortController();
const events = run({
  ...runOptions,
  signal: stop.signal,
  globPatterns: files.length > 0 ? files : [...defaultFiles],
});

/** Prints problems that the test report does not show, and sets the exit code. */
function reportProblems(): void {
  if (tests === 0) problems.push("No test passed");
  for (const problem of problems) console.error(`✖ ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}

const idleLimit = runOptions.timeout + 30_000;
// A test that leaves a timer or a socket open would keep the process running forever.
const idleTimer = setTimeout(() => {
  problems.push(
    `No test ended for ${idleLimit} ms. Still open: ${process.getActiveResourcesInfo().join(", ")}`,
  );
  reportProblems();
  // Ends the processes of the files that still run, then this process.
  stop.abort();
  setTimeout(() => process.exit(), 1_000);
}, idleLimit).unref();

events.on("data", () => idleTimer.refresh());
events.on("test:pass", ({ name: title, file, skip, todo }) => {
  if (title === file) problems.push(`${file} has no test`);
  else tests += 1;
  // A machine may lack a server, but CI installs all of them.
  if (typeof skip === "string" && skip.endsWith("is not installed") && process.env["CI"] === undefined)
    return;
  if (skip !== undefined || todo !== undefined) problems.push(`"${title}" is skipped or marked as todo`);
});
events.on("test:fail", () => {
  process.exitCode = 1;
});
events.on("end", reportProblems);
events.compose(spec()).pipe(process.stdout);
