import { run } from "node:test";
import { spec } from "node:test/reporters";

/** Which tests there are, and how they run: `node --conditions=source scripts/test.ts unit [files...]`. */
const suites = {
  // Many small files in one process: starting a process for each takes ten times as long as the tests.
  unit: { files: ["packages/*/src/**/*.test.ts"], isolation: "none", timeout: 60_000 },
  programs: { files: ["test/**/*.test.ts"], isolation: "process", concurrency: 2, timeout: 300_000 },
} as const;

const [name = "", ...files] = process.argv.slice(2);
if (name !== "unit" && name !== "programs")
  throw new Error(`Say which tests: ${Object.keys(suites).join(" or ")}`);
const { files: all, ...how } = suites[name];

let tests = 0;
const complaints: string[] = [];
const stop = new AbortController();
const events = run({ ...how, signal: stop.signal, globPatterns: files.length > 0 ? files : [...all] });

/** Says what is wrong beyond the failures that the report shows, and makes sure that it counts. */
function conclude(): void {
  if (tests === 0) complaints.push("No test passed");
  for (const complaint of complaints) console.error(`✖ ${complaint}`);
  if (complaints.length > 0) process.exitCode = 1;
}

// A test that leaves a timer or a socket behind would keep everything waiting for ever.
const patience = setTimeout(() => {
  complaints.push(
    `Nothing has ended for ${how.timeout + 30_000} ms, and this is still open: ${process.getActiveResourcesInfo().join(", ")}`,
  );
  conclude();
  // Ends the processes of the files that still run; a moment later there is nothing left to wait for.
  stop.abort();
  setTimeout(() => process.exit(), 1_000);
}, how.timeout + 30_000).unref();

events.on("data", () => patience.refresh());
events.on("test:pass", ({ name: title, file, skip, todo }) => {
  if (title === file) complaints.push(`${file} has no test`);
  else tests += 1;
  if (skip !== undefined || todo !== undefined) complaints.push(`"${title}" was skipped or is still to do`);
});
events.on("test:fail", () => {
  process.exitCode = 1;
});
events.on("end", conclude);
events.compose(spec()).pipe(process.stdout);
