import { basename } from "node:path";
import type { ProxyPool, RotationName } from "@holdfast/http";
import { parseDuration, parseChoice } from "../command-line/options.ts";
import type { ParsedOptions } from "../command-line/options.ts";
import { checkReadable } from "../command-line/list-source.ts";
import { UsageError } from "../process/usage-error.ts";

/** The options of every command that may go through proxies. */
export const proxyFlags = {
  proxies: { type: "string" },
  proxy: { type: "string", short: "x", multiple: true },
  rotation: { type: "string" },
  country: { type: "string" },
  sticky: { type: "string" },
  cooldown: { type: "string" },
  "rotates-per-connection": { type: "boolean" },
} as const;

/** Their part of a help text. */
export const proxyHelp = `  --proxies FILE           go through these proxies: one a line, or a JSON list
  -x, --proxy PROXY        go through this proxy; may be repeated
  --rotation HOW           how to choose the next proxy: round-robin (the
                           default), random, weighted, least-used or
                           least-recently-used
  --country CODE           by proxies there: for a template with {country}, and
                           for proxies whose country the list names
  --sticky HOW             none, or host: each host keeps its proxy and cookies
  --cooldown TIME          first pause of a proxy that failed (30s)
  --rotates-per-connection
                           each proxy is a gateway whose exit address changes
                           with each connection`;

/** What a proxy may color like, for a help text. */
export const proxyFormsHelp = `PROXY is scheme://user:pass@host:port, user:pass@host:port, host:port or
host:port:user:pass; a scheme is http, https, socks5h, socks5, socks4a or
socks4. Other users can see a command line, so passwords belong in a FILE.`;

const rotations = [
  "round-robin",
  "random",
  "weighted",
  "least-used",
  "least-recently-used",
] as const satisfies readonly RotationName[];

/** Where the proxies are, and how they are used. */
export interface ProxySettings {
  readonly source: { readonly file: string } | { readonly list: readonly string[] };
  readonly rotation: RotationName;
  readonly country: string | undefined;
  readonly sticky: "none" | "host";
  /** In milliseconds. */
  readonly cooldown: number | undefined;
  readonly rotatesPerConnection: boolean;
}

/**
 * Reads the options of proxies; undefined where none are named.
 *
 * @throws UsageError for the first that is wrong.
 */
export function readProxyFlags(
  values: ParsedOptions<typeof proxyFlags>["values"],
): ProxySettings | undefined {
  const source = sourceOf(values);
  const settings = {
    rotation: parseChoice("--rotation", values.rotation, rotations),
    country: values.country,
    sticky: parseChoice("--sticky", values.sticky, ["none", "host"]),
    cooldown: parseDuration("--cooldown", values.cooldown),
    rotatesPerConnection: values["rotates-per-connection"] === true,
  };
  if (source !== undefined) return { source, ...settings };
  const idle = (["rotation", "country", "sticky", "cooldown", "rotates-per-connection"] as const).find(
    (name) => values[name] !== undefined,
  );
  if (idle !== undefined) throw new UsageError(`--${idle} is for proxies: give --proxies FILE, or --proxy`);
  return undefined;
}

function sourceOf({
  proxies,
  proxy,
}: ParsedOptions<typeof proxyFlags>["values"]): ProxySettings["source"] | undefined {
  if (proxies !== undefined && proxy !== undefined)
    throw new UsageError("give --proxies or --proxy, not both");
  if (proxies !== undefined) return { file: proxies };
  return proxy === undefined ? undefined : { list: proxy };
}

/**
 * Makes the pool and reads its proxies.
 *
 * @throws UsageError that names the place of what is wrong, and quotes nothing of a proxy.
 */
export async function openPool({ source, ...settings }: ProxySettings): Promise<ProxyPool> {
  const { rotation, sticky, cooldown, rotatesPerConnection } = settings;
  if ("file" in source) await checkProxyFile(source.file);
  const { ProxyPool } = await import("@holdfast/http");
  const options = {
    rotation,
    rotatesPerConnection,
    ...(sticky === "host" && { sticky }),
    ...(cooldown !== undefined && { cooldown }),
  };
  const pool = await asUsage(() => new ProxyPool("file" in source ? source : source.list, options).ready());
  if (pool.size === 0)
    throw new UsageError(`there is no proxy in ${"file" in source ? basename(source.file) : "the list"}`);
  return pool;
}

/**
 * Checks that a list of proxies can be read.
 *
 * @throws UsageError that names it, unless somebody took the option for one that takes a proxy.
 */
export async function checkProxyFile(file: string): Promise<void> {
  if (/^\.{0,2}\/(?!\/)|^[^:@]*$/.test(file)) return checkReadable(file);
  await checkReadable(file).catch(() => {
    throw new UsageError("there is no list of proxies of that name (one proxy alone is given by --proxy)");
  });
}

async function asUsage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}
