import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faultOrigin, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: { "/1": [respond(503), respond(200, { body: "one" })], "/2": respond(404) },
});
const folder = await mkdtemp(join(tmpdir(), "holdfast-example-"));
const list = join(folder, "urls.txt");
const directory = join(folder, "results");
await writeFile(list, `${origin.url}/1\n${origin.url}/2\nnot a URL\n`);

// #region run
import { readLines, readResults, run, Session } from "holdfast";

await using session = new Session();

const report = await run({ directory, input: readLines(list), session, perHost: 4 });
console.log(`${report.done} done, ${report.failed} failed, ${report.waiting} waiting`);

for (const { line, state, reason, status, body } of readResults(directory)) {
  console.log(line, state, reason, status, body?.length);
}
// #endregion

await rm(folder, { recursive: true });
