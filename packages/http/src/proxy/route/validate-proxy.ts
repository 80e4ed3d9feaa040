import {
  isObject,
  kind,
  describeKind,
  options,
  quote,
  type Check,
  type Problem,
} from "../../support/validate.ts";
import { suggest } from "@holdfast/policy/internal";
import { normalizeProxyUrl } from "../../transport/proxy-url.ts";
import { isProxyProvider, type ProxySelection } from "../../model/proxy-provider.ts";

/** Checks the `proxy` option of a session: a URL, a map of URLs, or a provider such as `ProxyPool`. */
export const sessionProxy: Check = (value) => {
  if (typeof value === "string") return problemIn(value);
  if (isProxyProvider(value)) return undefined;
  if (isProxySource(value)) return { at: "", says: poolNeeded, range: false };
  if (isObject(value)) return problemInMap(value);
  const says = `takes the URL of a proxy, a map of URLs by scheme and host, or a ProxyPool, got ${describeKind(value)}`;
  return { at: "", says, range: false };
};

/** Checks the `proxy` option of a request: the same, or a selection from the session's pool. */
export const requestProxy: Check = (value) =>
  isObject(value) && ("country" in value || "identity" in value || "session" in value)
    ? selection(value)
    : sessionProxy(value);

const poolNeeded =
  "takes one proxy or a ProxyPool; for several proxies pass proxy: new ProxyPool([...]), from holdfast or @holdfast/proxies";
// Sources that a ProxyPool takes; a list may have passwords, so the message quotes nothing of it.
const sourceOptions = ["file", "fetch", "environment", "tiers"];

function isProxySource(value: unknown): boolean {
  if (Array.isArray(value) || typeof value === "function") return true;
  return isObject(value) && sourceOptions.some((name) => name in value);
}

const aString = kind({ wanted: "a string", fits: (value) => typeof value === "string" });
const selection = options<ProxySelection>({ country: aString, identity: aString }, { session: "identity" });

function problemIn(proxy: string): Problem | undefined {
  try {
    normalizeProxyUrl(proxy);
    return undefined;
  } catch (error) {
    // Which quotes nothing of the URL: it may have a password.
    return { at: "", says: `cannot be used: ${error instanceof Error ? error.message : ""}`, range: false };
  }
}

const schemes: readonly string[] = ["http", "https", "all", "ftp", "no_proxy"];
const hostOfScheme = /^(?:https?|all|ftp):\/\/[^\s/?#@]+$/;

function problemInMap(map: Readonly<Record<string, unknown>>): Problem | undefined {
  for (const [name, value] of Object.entries(map)) {
    if (!schemes.includes(name) && !hostOfScheme.test(name)) return unknownName(name);
    const problem = problemWith(name, value);
    if (problem !== undefined) return { ...problem, at: `.${name}${problem.at}` };
  }
  return undefined;
}

function problemWith(name: string, value: unknown): Problem | undefined {
  if (value === undefined || value === "") return undefined;
  if (typeof value !== "string" || name === "no_proxy") return aString(value);
  return problemIn(value);
}

function unknownName(name: string): Problem {
  const hint = suggest(name, schemes);
  const more =
    hint === undefined
      ? "it has http, https, all, no_proxy, and hosts such as https://api.test"
      : `did you mean ${hint}?`;
  return { at: "", says: `has no proxies for ${quote(name)}: ${more}`, range: false };
}
