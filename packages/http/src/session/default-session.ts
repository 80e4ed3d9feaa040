import type { DownloadOptions, RequestOptions, StreamRequestOptions } from "../call/options.ts";
import type { DownloadResult } from "../download/download.ts";
import type { StreamedResponse } from "../model/streamed-response.ts";
import type { EventsOptions, ServerSentEvent } from "./events.ts";
import type { PaginateOptions } from "./paginate.ts";
import type { ResponsePromise } from "./response-promise.ts";
import { Session } from "./session.ts";

let session: Session | undefined;

/** Returns the session of `get`, `post` and the other functions. It is created at the first use, and keeps no program alive. */
export function defaultSession(): Session {
  return (session ??= new Session());
}

/** A function that sends requests with one method. */
export interface RequestFunction {
  (url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  (url: string | URL, options?: RequestOptions): ResponsePromise;
}

/** Sends a request through the default session. See `Session.request`. */
export function request(
  method: string,
  url: string | URL,
  options: StreamRequestOptions,
): Promise<StreamedResponse>;
export function request(method: string, url: string | URL, options?: RequestOptions): ResponsePromise;
export function request(
  method: string,
  url: string | URL,
  options?: RequestOptions,
): Promise<StreamedResponse> | ResponsePromise {
  return defaultSession().request(method, url, options);
}

/** Sends a GET through the default session. */
export const get: RequestFunction = requestFunction("GET");
/** Sends a HEAD through the default session. */
export const head: RequestFunction = requestFunction("HEAD");
/** Sends a POST through the default session. */
export const post: RequestFunction = requestFunction("POST");
/** Sends a PUT through the default session. */
export const put: RequestFunction = requestFunction("PUT");
/** Sends a PATCH through the default session. */
export const patch: RequestFunction = requestFunction("PATCH");
/** Sends a DELETE through the default session. `delete` is a word of the language. */
export const del: RequestFunction = requestFunction("DELETE");

/** Downloads a body to a file through the default session. See `Session.download`. */
export function download(
  url: string | URL,
  file: string,
  options?: DownloadOptions,
): Promise<DownloadResult> {
  return defaultSession().download(url, file, options);
}

/** Returns the items of a list in pages through the default session. See `Session.paginate`. */
export function paginate<Item = unknown>(
  url: string | URL,
  options?: PaginateOptions<Item>,
): AsyncGenerator<Item, void, undefined> {
  return defaultSession().paginate(url, options);
}

/** Returns server-sent events through the default session. See `Session.events`. */
export function events(
  url: string | URL,
  options?: EventsOptions,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  return defaultSession().events(url, options);
}

function requestFunction(method: string): RequestFunction {
  function send(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  function send(url: string | URL, options?: RequestOptions): ResponsePromise;
  function send(url: string | URL, options?: RequestOptions): Promise<StreamedResponse> | ResponsePromise {
    return request(method, url, options);
  }
  return send;
}
