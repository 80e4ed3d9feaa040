// The entry for browsers, workers, Deno and Bun: nothing here imports a module of Node.
export { createFetch, type FetchOptions, type FetchTimeouts } from "./create-fetch.ts";
export type { FetchCondition, FetchRetry } from "./fetch-call.ts";
export { Retry } from "../retry/retry.ts";
export type { RetryInit, RetryCount } from "../retry/options.ts";
export type { RetrySetting } from "../retry/setting.ts";
