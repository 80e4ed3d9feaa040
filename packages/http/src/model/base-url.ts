import { describeUrl, parseUrl } from "./request.ts";

/** The base of relative URLs, ready for joining. */
export interface BaseUrl {
  readonly url: URL;
  /** The URL without query and fragment, as it was written. */
  readonly path: string;
  /** The same without a slash at the end. */
  readonly folder: string;
}

/** Parses the `baseUrl` of a session. A query is kept for every request. */
export function parseBaseUrl(text: string | URL): BaseUrl {
  const url = parseUrl(text);
  url.hash = "";
  const path = url.href.slice(0, url.href.length - url.search.length).replace(/\?$/, "");
  return { url, path, folder: path.replace(/\/$/, "") };
}

// WHATWG URL: spaces and control characters around a URL, and line breaks and tabs inside of it, do not count.
// oxlint-disable-next-line no-control-regex
const ignored = /^[\u0000-\u0020]+|(?<![\u0000-\u0020])[\u0000-\u0020]+$|[\t\n\r]/g;
// oxlint-disable-next-line no-control-regex
const mayBeIgnored = /[\u0000-\u0020]/;
const absolute = /^(?:[a-z][a-z\d+.-]*:[/\\]{2}|unix:)/i;

/**
 * Joins a reference to the base: `users` and `/users` are below it, whether it ends with a slash or not. An absolute URL is
 * returned as it is.
 *
 * @throws TypeError for a reference that begins with `//`, which names another host.
 */
export function joinUrl(base: BaseUrl, input: string | URL): string | URL {
  if (typeof input !== "string") return input;
  // Hot path: most references have none of these characters, and the search for one is cheaper than the replacement.
  const reference = mayBeIgnored.test(input) ? input.replace(ignored, "") : input;
  if (absolute.test(reference)) return reference;
  if (/^[/\\]{2}/.test(reference))
    throw new TypeError(
      `url must not begin with // in a session with baseUrl, got ${describeUrl(input)}: begin a path with one slash, and another host with https://`,
    );
  const [, path = "", query = "", hash = ""] = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(reference) ?? [];
  const joined = path === "" ? base.path : `${base.folder}/${path.replace(/^[/\\]/, "")}`;
  return joined + joinQueries(base.url.search, query) + hash;
}

function joinQueries(base: string, query: string): string {
  return base === "" || query.length < 2 ? query || base : `${base}&${query.slice(1)}`;
}
