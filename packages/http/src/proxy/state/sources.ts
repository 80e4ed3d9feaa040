import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { toMs, type Duration } from "@holdfast/policy";
import { refuse } from "../../support/validate.ts";
import type { ProxyInput, ProxySpec } from "../list/entry.ts";
import type { Environment } from "../list/environment.ts";
import { sourceCheck } from "../options/validate-options.ts";
import { allOf, parseProxyList, proxyListOf, type ProxyList } from "../list/proxy-list.ts";

/** A function that gives proxies: each time all that there are. */
export type FetchProxies = () => Promise<readonly ProxyInput[]>;

/** A function that gives proxies, and when it is asked again besides. */
export interface FetchedProxies {
  readonly fetch: FetchProxies;
  /** How often. @default "10m" */
  readonly every?: Duration;
  /** When fewer than these are fit. @default 1 */
  readonly below?: number;
  /** When one proxy has rested as often in a row. @default 3 */
  readonly afterRests?: number;
}

/** A file with a proxy on each line, or a JSON list. It is looked at again as requests are made. */
export interface ProxyFile {
  readonly file: string;
  /** How often it is looked at, at most. @default "1s" */
  readonly every?: Duration;
}

/** A list in a variable, parted by commas or white space; without it the proxies in `all_proxy`, `https_proxy` and `http_proxy`. `no_proxy` holds. */
export interface ProxyEnvironment {
  readonly environment: Environment;
  /** @default "HOLDFAST_PROXIES" */
  readonly variable?: string;
}

/** Where proxies come from. */
export type ProxySource =
  | readonly ProxyInput[]
  | ProxyFile
  | FetchProxies
  | FetchedProxies
  | ProxyEnvironment;

/** A source as the pool reads it. */
export interface SourceReader {
  /** What is known at once; undefined where it has to be read. */
  readonly initial: readonly ProxySpec[] | undefined;
  /** How often to read, in milliseconds. */
  readonly every: number;
  /** The fewest fit proxies, and the most rests in a row of one proxy, before it is read out of turn. */
  readonly below: number;
  readonly afterRests: number;
  /** Gives all that there is; undefined when it is what it was. */
  readonly read: () => Promise<ProxyList | undefined>;
  /** What `no_proxy` says, where the source has a say on it. */
  readonly exempt: string | undefined;
}

/**
 * Makes a source readable.
 *
 * @throws TypeError or RangeError for a source that is none, or a list with a bad proxy in it.
 */
export function readerOf(source: ProxySource): SourceReader {
  refuse("ProxyPool", sourceCheck(source));
  if (isList(source)) return fixed(allOf(proxyListOf(source, "the list of proxies")));
  if (typeof source === "function") return fetched({ fetch: source });
  if ("fetch" in source) return fetched(source);
  if ("file" in source) return fromFile(source);
  return fromEnvironment(source);
}

const never = { every: Infinity, below: 0, afterRests: Infinity, exempt: undefined } as const;

function fixed(initial: readonly ProxySpec[], exempt?: string): SourceReader {
  return { ...never, initial, exempt, read: () => Promise.resolve(undefined) };
}

function fetched({ fetch, every = "10m", below = 1, afterRests = 3 }: FetchedProxies): SourceReader {
  const read = async (): Promise<ProxyList> => proxyListOf(await fetch(), "the fetched proxies");
  return { ...never, initial: undefined, every: toMs(every), below, afterRests, read };
}

function fromFile({ file, every = "1s" }: ProxyFile): SourceReader {
  let seen: string | undefined;
  const read = async (): Promise<ProxyList | undefined> => {
    const { mtimeMs, size, ino } = await stat(file);
    const stamp = `${mtimeMs} ${size} ${ino}`;
    if (stamp === seen) return undefined;
    const list = parseProxyList(await readFile(file, "utf8"), basename(file));
    seen = stamp;
    return list;
  };
  return { ...never, initial: undefined, every: toMs(every), read };
}

function fromEnvironment({ environment, variable = "HOLDFAST_PROXIES" }: ProxyEnvironment): SourceReader {
  const get = (name: string): string => environment[name] || environment[name.toUpperCase()] || "";
  const listed = environment[variable] ?? "";
  const said = listed.trim() === "" ? conventional.map(get).join(" ") : listed;
  const inputs = said.split(/[\s,]+/).filter((it) => it !== "");
  const name = listed.trim() === "" ? "the environment" : variable;
  return fixed(allOf(proxyListOf(inputs, name)), get("no_proxy") || undefined);
}

const conventional = ["all_proxy", "https_proxy", "http_proxy"];

function isList(source: ProxySource): source is readonly ProxyInput[] {
  return Array.isArray(source);
}
