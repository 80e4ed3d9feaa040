import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { SessionOptions } from "../call/options.ts";
import { createFetch } from "../session/create-fetch.ts";
import type { Session } from "../session/session.ts";
import { isObject, kind, refuse } from "../support/validate.ts";
import { createFetchEnvironment } from "./environment.ts";
import { refuseOptions, type AxiosOptions } from "./options.ts";

/** An interceptor list of axios. */
export interface AxiosInterceptors {
  // oxlint-disable-next-line typescript/no-explicit-any -- The options of axios are no types of this package.
  use(fulfilled: (value: any) => any): number;
  eject(id: number): void;
}

/** An instance of axios 1.12 or later: `axios` itself, or one that `axios.create` returned. */
export interface AxiosInstance {
  readonly defaults: object;
  readonly interceptors: { readonly request: AxiosInterceptors; readonly response: AxiosInterceptors };
}

const axiosCheck = kind({
  wanted: "an instance of axios",
  fits: (value) =>
    typeof value === "function" &&
    "defaults" in value &&
    isObject(value.defaults) &&
    "interceptors" in value &&
    isObject(value.interceptors),
});

const attached = new WeakSet<object>();

/**
 * Sends the requests of an axios instance through a session: with its retries, rate limits and connections, below axios's own fetch
 * adapter. Interceptors, transforms, errors and cancellation stay those of axios. Returns a function that gives the instance its former
 * adapter back.
 *
 * ```ts
 * const detach = attach(client, { retry: 5 });
 * ```
 *
 * Options that the fetch adapter lacks, such as `httpAgent`, reject the request with their name. `timeout` covers all attempts.
 *
 * @throws TypeError or RangeError for a wrong instance or option, and for a default of the instance that the fetch adapter lacks.
 */
export function attach(axios: AxiosInstance, options: SessionOptions | Session = {}): () => void {
  refuse("attach", axiosCheck(axios));
  if (attached.has(axios)) throw new TypeError("attach: the instance is already attached. Detach it first");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `axiosCheck` has seen an object.
  const defaults = axios.defaults as AxiosOptions;
  refuseOptions(defaults);
  const { adapter, env } = defaults;
  const { request, response } = axios.interceptors;
  defaults.adapter = "fetch";
  defaults.env = { ...env, ...createFetchEnvironment(createFetch(options)) };
  const checks = request.use((config: AxiosOptions) => {
    refuseOptions(config);
    return config;
  });
  const conversions = response.use(toNodeStream);
  attached.add(axios);
  return () => {
    if (!attached.delete(axios)) return;
    defaults.adapter = adapter;
    defaults.env = env;
    request.eject(checks);
    response.eject(conversions);
  };
}

/** Makes a streamed body a stream of Node, as the http adapter of axios has it. */
function toNodeStream<Response extends { readonly config: AxiosOptions; data: unknown }>(
  response: Response,
): Response {
  const { data } = response;
  if (response.config.responseType === "stream" && isWebStream(data)) response.data = Readable.fromWeb(data);
  return response;
}

function isWebStream(data: unknown): data is ReadableStream {
  return data instanceof globalThis.ReadableStream;
}
