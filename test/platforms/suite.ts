import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { bundleTarget } from "../../scripts/build.ts";

const root = join(import.meta.dirname, "../..");
const sources = join(root, "packages/policy/src");

/** The platform of the suite. Node has `node:test`; a browser gets the replacement in browser/. */
export type Platform = "node" | "browser";

/**
 * Bundles the unit tests of @holdfast/policy with its sources into one module, as the build bundles the sources. Tests that
 * need more of Node than its test runner are named `*.node.test.ts` and are left out.
 */
export async function bundleSuite(platform: Platform, outfile: string): Promise<void> {
  const files = await readdir(sources, { recursive: true });
  const tests = files.filter((file) => file.endsWith(".test.ts") && !file.endsWith(".node.test.ts"));
  const imports = tests.toSorted().map((file) => `import "./${file}";`);
  await build({
    stdin: { contents: imports.join("\n"), resolveDir: sources, sourcefile: "suite.ts" },
    outfile,
    bundle: true,
    format: "esm",
    target: [...bundleTarget],
    platform,
    logLevel: "silent",
    // package.json declares no side effects, but importing a test file must register its tests.
    ignoreAnnotations: true,
    inject: platform === "browser" ? [replacement("process")] : [],
    alias:
      platform === "browser"
        ? {
            "node:test": replacement("test"),
            "node:assert/strict": replacement("assert"),
            "node:events": replacement("events"),
          }
        : {},
  });
}

function replacement(name: string): string {
  return join(import.meta.dirname, `browser/${name}.ts`);
}
