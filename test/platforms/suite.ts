import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";

const root = join(import.meta.dirname, "../..");
const sources = join(root, "packages/policy/src");

/** Where the suite is to run: Node brings its own `node:test`, a browser gets ours. */
export type Platform = "node" | "browser";

/**
 * Bundles the package's own unit tests with its *built* files into one module. A test that needs Node for more than
 * running it is named `*.node.test.ts` and stays out.
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
    // The package promises that importing it does nothing; its tests are imported for what they do.
    ignoreAnnotations: true,
    inject: platform === "browser" ? [shim("process")] : [],
    alias:
      platform === "browser"
        ? { "node:test": shim("test"), "node:assert/strict": shim("assert"), "node:events": shim("events") }
        : {},
    plugins: [built],
  });
}

function shim(name: string): string {
  return join(import.meta.dirname, `browser/${name}.ts`);
}

/** Turns what a test imports from beside it into what the package ships. */
const built: Plugin = {
  name: "built files",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const source = join(resolveDir, path);
      if (!source.startsWith(sources) || source.endsWith(".test.ts")) return undefined;
      const shipped = source.replace(sources, join(root, "packages/policy/dist")).replace(/\.ts$/, ".js");
      return existsSync(shipped) ? { path: shipped } : { errors: [{ text: `${path} was not built` }] };
    });
  },
};
