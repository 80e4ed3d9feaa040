import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { takeCoverage } from "node:v8";
import { Session } from "@holdfast/http";

/** Most source files that may have a function running during one warm GET. */
export const mostFiles = 40;

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

const root = fileURLToPath(new URL("..", import.meta.url));
const script = fileURLToPath(import.meta.url);
const sources = /^packages\/[^/]+\/src\//;

/**
 * Returns the source files of the packages that have a function running during one `GET` of 1 KB: kept-alive connection,
 * no proxy, body buffered and read as text. A child process measures it with the coverage of V8.
 */
export function filesOfAGet(): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "files-of-a-get-"));
  try {
    const child = spawnSync(process.execPath, ["--conditions=source", script, "measure"], {
      env: { ...process.env, NODE_V8_COVERAGE: folder },
      encoding: "utf8",
    });
    if (child.status !== 0) throw new Error(`The measured process failed: ${child.stderr}`);
    return filesIn(lastCoverage(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns the coverage between the last two calls of `takeCoverage`; the files are named by process, time and number. */
function lastCoverage(folder: string): Coverage {
  const number = (name: string): number => Number(/-(\d+)\.json$/.exec(name)?.[1]);
  const names = readdirSync(folder).toSorted((a, b) => number(a) - number(b));
  // The process writes one more file when it ends.
  const name = names.at(-2);
  if (name === undefined) throw new Error(`There is no coverage in ${folder}`);
  return JSON.parse(readFileSync(join(folder, name), "utf8")) as Coverage;
}

function filesIn({ result }: Coverage): readonly string[] {
  return result
    .filter(({ functions }) => functions.some(({ ranges: [whole] }) => (whole?.count ?? 0) > 0))
    .filter(({ url }) => url.startsWith("file:"))
    .map(({ url }) => relative(root, fileURLToPath(url)))
    .filter((file) => sources.test(file))
    .toSorted();
}

async function measure(): Promise<void> {
  const server = createServer((_, response) => response.end("x".repeat(1_024)));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const session = new Session({ trustEnvironment: false });
  const get = async (): Promise<string> => {
    const response = await session.get(`http://127.0.0.1:${port}/`);
    return response.text();
  };
  for (let round = 0; round < 20; round += 1) await get();
  takeCoverage();
  await get();
  takeCoverage();
  await session.close();
  server.close();
}

if (import.meta.main) {
  if (process.argv[2] === "measure") await measure();
  else {
    const files = filesOfAGet();
    for (const file of files) console.log(file);
    console.log(`${files.length} files have a function that runs during one warm GET; at most ${mostFiles}`);
    if (files.length > mostFiles) process.exitCode = 1;
  }
}
