import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";

const root = join(import.meta.dirname, "../..");
const sources = join(root, "packages/policy/src");

/** The platform of the suite. Node has `node:test`; a browser gets the replacement in browser/. */
export type Platform = "node" | "browser";

/**
 * Bundles the unit tests of @holdfast/policy with its built files into one module. Tests that need more of Node than its
 * test runner are named `*.node.test.ts` and are left out.
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
    target: "es2022",
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
    plugins: [builtFiles],
  });
}

function replacement(name: string): string {
  return join(import.meta.dirname, `browser/${name}.ts`);
}

/** Resolves imports of source files to the built files that the package ships. */
const builtFiles: Plugin = {
  name: "built files",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const source = join(resolveDir, path);
      if (!source.startsWith(sources) || source.endsWith(".test.ts")) return undefined;
      const builtFile = source.replace(sources, join(root, "packages/policy/dist")).replace(/\.ts$/, ".js");
      return existsSync(builtFile) ? { path: builtFile } : { errors: [{ text: `${path} was not built` }] };
    });
  },
};
