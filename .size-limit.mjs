/**
 * Leaves out the parts of a package that it loads later.
 *
 * @type {import("esbuild").Plugin}
 */
const withoutDynamicImports = {
  name: "without-dynamic-imports",
  setup(build) {
    build.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path, external: true } : undefined,
    );
  },
};

// oxlint-disable-next-line import/no-default-export -- size-limit reads the default export
export default [
  {
    name: "policy: retry, stopAfterAttempt, waitExponential",
    path: "packages/policy/dist/index.js",
    import: "{ retry, stopAfterAttempt, waitExponential }",
    limit: "5.3 kB",
  },
  { name: "policy: everything", path: "packages/policy/dist/index.js", limit: "13.2 kB" },
  {
    // Not the cookie jar, downloads and HTTP/2: they are loaded at their first use.
    name: "http: everything that is loaded with the package",
    path: "packages/http/dist/index.js",
    gzip: true,
    limit: "100 kB",
    /** @param {import("esbuild").BuildOptions} config */
    modifyEsbuildConfig: (config) => ({
      ...config,
      format: "esm",
      platform: "node",
      plugins: [withoutDynamicImports],
    }),
  },
  {
    name: "http/fetch: createFetch, for browsers",
    path: "packages/http/dist/platform-fetch/index.js",
    import: "{ createFetch }",
    gzip: true,
    limit: "26 kB",
  },
];
