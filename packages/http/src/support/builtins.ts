/*
 * Modules of Node that many programs never need, or need only after their first request. Together they were measured to take a
 * quarter of the time to import this package, so they are loaded at their first use.
 */

let crypto: typeof import("node:crypto") | undefined;
let http: typeof import("node:http") | undefined;
let stream: typeof import("node:stream") | undefined;
let tls: typeof import("node:tls") | undefined;
let util: typeof import("node:util") | undefined;
let zlib: typeof import("node:zlib") | undefined;

/** Returns `node:crypto`. */
export function loadCrypto(): typeof import("node:crypto") {
  return (crypto ??= process.getBuiltinModule("node:crypto"));
}

/** Returns `node:http`. */
export function loadHttp(): typeof import("node:http") {
  return (http ??= process.getBuiltinModule("node:http"));
}

/** Returns `node:stream`. */
export function loadStream(): typeof import("node:stream") {
  return (stream ??= process.getBuiltinModule("node:stream"));
}

/** Returns `node:tls`. */
export function loadTls(): typeof import("node:tls") {
  return (tls ??= process.getBuiltinModule("node:tls"));
}

/** Returns `node:util`. */
export function loadUtil(): typeof import("node:util") {
  return (util ??= process.getBuiltinModule("node:util"));
}

/** Returns `node:zlib`. */
export function loadZlib(): typeof import("node:zlib") {
  return (zlib ??= process.getBuiltinModule("node:zlib"));
}
