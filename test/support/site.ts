import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The folder of the pages of Debian's python3-doc. */
const pythonDocs = "/usr/share/doc/python3-doc/html";

/** A folder of real and generated files to serve. Disposing of it removes the folder. */
export interface Site extends AsyncDisposable {
  readonly root: string;
  /** Every file, relative to `root`, sorted. */
  readonly files: readonly string[];
}

/** Returns the URL path of a file of a site, with each part percent-encoded. */
export function toUrlPath(file: string): string {
  return `/${file.split("/").map(encodeURIComponent).join("/")}`;
}

/** Creates a site of exactly `count` files: the documentation of Python, then generated files. */
export async function site(count: number): Promise<Site> {
  const directory = await temporaryDirectory("site");
  await symlink(pythonDocs, join(directory.path, "python"));
  const real = await filesBelow(pythonDocs);
  const made = await generate(directory.path, Math.max(0, count - real.length));
  const files = [...real.map((file) => `python/${file}`), ...made].slice(0, count).toSorted();
  return { root: directory.path, files, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

async function filesBelow(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .toSorted();
}

async function generate(root: string, count: number): Promise<readonly string[]> {
  const files = Array.from({ length: count }, (_, index) => generatedFile(index));
  await mkdir(join(root, "made", "with space & ümlaut"), { recursive: true });
  for (const { name, bytes } of files) await writeFile(join(root, name), bytes);
  return files.map(({ name }) => name);
}

/** Generates a file: empty, tiny, binary or larger, partly with names that need percent-encoding. Depends only on `index`. */
function generatedFile(index: number): { readonly name: string; readonly bytes: Uint8Array } {
  const folder = index % 7 === 0 ? "with space & ümlaut/" : "";
  const bytes = new Uint8Array(index % 50 === 0 ? 0 : (index * 7919) % 40_000);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 31 + index * 17 + (at >> 8)) & 0xff;
  return {
    name: `made/${folder}${String(index).padStart(4, "0")}.${index % 3 === 0 ? "html" : "bin"}`,
    bytes,
  };
}
