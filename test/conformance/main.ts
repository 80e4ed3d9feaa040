import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { runFolder, type FileReport } from "./runner.ts";

const shownFailures = 10;

function print({ file, passed, deviations, failures, uncovered }: FileReport): void {
  const [whole] = uncovered;
  if (whole === file) return console.log(`${file}: not covered`);
  console.log(`${file}: ${passed} passed, ${failures.length} failed, ${deviations.length} deviations`);
  for (const section of uncovered) console.log(`  ${section}: not covered`);
  for (const { vector, difference } of failures.slice(0, shownFailures))
    console.log(`  ${vector}: ${difference}`);
  if (failures.length > shownFailures) console.log(`  and ${failures.length - shownFailures} more`);
}

async function main(): Promise<number> {
  const bundled = fileURLToPath(new URL("vectors", import.meta.url));
  const { values } = parseArgs({ options: { dir: { type: "string", default: bundled } } });
  const reports = await runFolder(values.dir);
  for (const report of reports) print(report);
  const total = (count: (report: FileReport) => number): number =>
    reports.reduce((sum, report) => sum + count(report), 0);
  const passed = total((report) => report.passed);
  const failed = total((report) => report.failures.length);
  if (passed + failed === 0) console.log(`No vector file that is covered in ${values.dir}`);
  console.log(`${total((report) => report.deviations.length)} deviations`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

process.exitCode = await main();
