import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { faultOrigin, respond } from "@holdfast/http/testing";

const run = promisify(execFile);

test("a script that ends with a call of get() exits by itself", async () => {
  await using origin = await faultOrigin({ routes: { "/": [respond(503), respond(200, { body: "[1]" })] } });
  const script = `import { get, post } from "@holdfast/http";
await post(${JSON.stringify(`${origin.url}/`)}, { json: {} });
console.log(await get(${JSON.stringify(`${origin.url}/`)}).json());`;

  const { stdout } = await run(
    process.execPath,
    ["--conditions=source", "--input-type=module", "--eval", script],
    { timeout: 60_000 },
  );

  assert.equal(stdout, "[ 1 ]\n");
  assert.deepEqual(
    origin.requests.map(({ method }) => method),
    ["POST", "GET"],
  );
});
