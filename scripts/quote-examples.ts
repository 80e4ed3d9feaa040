import { readFile, writeFile } from "node:fs/promises";
import { globSync } from "node:fs";
import { join } from "node:path";

/*
 * Copies regions of the programs in examples/ into the pages that quote them. A quotation is a comment with the program
 * and the region, followed by a block of code:
 *
 *   <!-- examples/session.ts#session -->
 *
 * With --check, it writes nothing and fails if a page differs from its programs.
 */
const root = join(import.meta.dirname, "..");
const quotation = /(<!-- (examples\/[\w./-]+)#([\w-]+) -->\n)```(\w+)\n[\s\S]*?^```$/gm;

async function readRegion(path: string, name: string): Promise<string> {
  const source = await readFile(join(root, path), "utf8");
  const [, indent = "", region] =
    new RegExp(`^( *)// #region ${name}\\n([\\s\\S]*?)^ *// #endregion`, "m").exec(source) ?? [];
  if (region === undefined) throw new Error(`${path} has no "#region ${name}"`);
  return region.replaceAll(new RegExp(`^${indent}`, "gm"), "").trim();
}

function updateQuotations(page: string): string {
  let result = page;
  for (const [whole, mark = "", path = "", name = "", language = ""] of page.matchAll(quotation)) {
    result = result.replace(
      whole,
      () => `${mark}\`\`\`${language}\n${regions.get(`${path}#${name}`) ?? ""}\n\`\`\``,
    );
  }
  return result;
}

const check = process.argv.includes("--check");
const pages = globSync(["README.md", "docs/**/*.md"], { cwd: root });
const regions = new Map<string, string>();
const stale: string[] = [];
for (const page of pages) {
  const text = await readFile(join(root, page), "utf8");
  for (const [, , path = "", name = ""] of text.matchAll(quotation)) {
    regions.set(`${path}#${name}`, await readRegion(path, name));
  }
  const current = updateQuotations(text);
  if (current === text) continue;
  stale.push(page);
  if (!check) await writeFile(join(root, page), current);
}
console.log(
  `${regions.size} quotations in ${pages.length} pages, ${stale.length} pages ${check ? "differ" : "updated"}${stale.length > 0 ? `: ${stale.join(", ")}` : ""}`,
);
if (check && stale.length > 0) {
  console.error("Run npm run docs to update these pages");
  process.exitCode = 1;
}
if (regions.size === 0) process.exitCode = 1;
