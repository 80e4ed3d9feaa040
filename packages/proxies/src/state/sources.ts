import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { toMs } from "@holdfast/policy/internal";
import { refuse, withOwnErrors } from "@holdfast/http/internal";
import type { ProxySpec } from "../list/parse-entry.ts";
import type { ProxyInput } from "../list/entry.ts";
import type { FetchedProxies, ProxyEnvironment, ProxyFile, ProxySource } from "../options/options.ts";
import { sourceCheck } from "../options/validate-options.ts";
import { requireValid, parseProxyList, parseProxyEntries, type ProxyList } from "../list/proxy-list.ts";

/** A source in the form that the pool reads. */
export interface SourceReader {
  /** Proxies that are known without reading; undefined if the source must be read. */
  readonly initial: readonly ProxySpec[] | undefined;
  /** Interval between readings, in milliseconds. */
  readonly every: number;
  /** Reads early if fewer proxies are available, or if one had this many consecutive cooldowns. */
  readonly minAvailable: number;
  readonly afterCooldowns: number;
  /** Returns all proxies; undefined if nothing changed. */
  readonly read: () => Promise<ProxyList | undefined>;
  /** The `no_proxy` list of the source, if it has one. */
  readonly exempt: string | undefined;
}

/**
 * Opens a source.
 *
 * @throws TypeError or RangeError for an invalid source, or a list with an invalid proxy.
 */
export function openSource(source: ProxySource): SourceReader {
  refuse("ProxyPool", sourceCheck(source));
  if (isList(source)) return fixed(requireValid(parseProxyEntries(source, "the list of proxies")));
  if (typeof source === "function") return fetched({ fetch: source });
  if ("fetch" in source) return fetched(source);
  if ("file" in source) return fromFile(source);
  return fromEnvironment(source);
}

const never = { every: Infinity, minAvailable: 0, afterCooldowns: Infinity, exempt: undefined } as const;

function fixed(initial: readonly ProxySpec[], exempt?: string): SourceReader {
  return { ...never, initial, exempt, read: () => Promise.resolve(undefined) };
}

function fetched({
  fetch,
  every = "10m",
  minAvailable = 1,
  afterCooldowns = 3,
}: FetchedProxies): SourceReader {
  const read = async (): Promise<ProxyList> =>
    parseProxyEntries(await fetchShared(fetch), "the fetched proxies");
  return { ...never, initial: undefined, every: toMs(every), minAvailable, afterCooldowns, read };
}

type Fetch = FetchedProxies["fetch"];

const runningFetches = new WeakMap<Fetch, ReturnType<Fetch>>();

/** Calls the function of a source, or joins its call under way: pools and tiers may have the same source. */
async function fetchShared(fetch: Fetch): ReturnType<Fetch> {
  const running = runningFetches.get(fetch);
  if (running !== undefined) return withOwnErrors(running);
  const started = fetch();
  runningFetches.set(fetch, started);
  try {
    return await started;
  } finally {
    runningFetches.delete(fetch);
  }
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
  const list = listed.trim() === "" ? conventional.map(get).join(" ") : listed;
  const inputs = list.split(/[\s,]+/).filter((it) => it !== "");
  const name = listed.trim() === "" ? "the environment" : variable;
  return fixed(requireValid(parseProxyEntries(inputs, name)), get("no_proxy") || undefined);
}

const conventional = ["all_proxy", "https_proxy", "http_proxy"];

function isList(source: ProxySource): source is readonly ProxyInput[] {
  return Array.isArray(source);
}

/** Marks all proxies of a source as gateways that change their exit address with each connection. */
export function rotateEveryConnection(reader: SourceReader, rotatesPerConnection: boolean): SourceReader {
  if (!rotatesPerConnection) return reader;
  return {
    ...reader,
    initial: reader.initial?.map(rotating),
    read: async () => rotatingList(await reader.read()),
  };
}

function rotatingList(list: ProxyList | undefined): ProxyList | undefined {
  return list === undefined ? undefined : { ...list, proxies: list.proxies.map(rotating) };
}

function rotating(spec: ProxySpec): ProxySpec {
  return { ...spec, gateway: true };
}
