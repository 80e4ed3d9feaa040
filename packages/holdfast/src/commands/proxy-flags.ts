import { basename } from "node:path";
import type { ProxyPool, RotationName } from "@holdfast/proxies";
import { checkReadable } from "../command-line/list-source.ts";
import { parseChoice, parseDuration } from "../command-line/parse-options.ts";
import type { ParsedOptions } from "../command-line/parse-options.ts";
import { OptionError, UsageError } from "../process/usage-error.ts";

/** The options of every command that can use proxies. */
export const proxyFlags = {
  proxies: { type: "string" },
  proxy: { type: "string", short: "x", multiple: true },
  rotation: { type: "string" },
  country: { type: "string" },
  sticky: { type: "string" },
  cooldown: { type: "string" },
  "rotates-per-connection": { type: "boolean" },
} as const;

/** The lines of a help text about these options. */
export const proxyHelp = `  --proxies FILE           use the proxies of a file: one a line, or a JSON list
  -x, --proxy PROXY        use this proxy; may be repeated
  --rotation HOW           how to choose the next proxy: round-robin (the
                           default), random, weighted, least-used or
                           least-recently-used
  --country CODE           use only proxies of this country: marked in the list,
                           or templates with {country}
  --sticky HOW             none, or host: each host keeps its proxy and cookies
  --cooldown TIME          first pause of a proxy that failed (30s)
  --rotates-per-connection
                           each proxy is a gateway whose exit address changes
                           with each connection`;

/** The lines of a help text about the forms of a proxy. */
export const proxyFormsHelp = `PROXY is scheme://user:pass@host:port, user:pass@host:port, host:port or
host:port:user:pass. A scheme is http, https, socks5h, socks5, socks4a or
socks4. Other users can see your command line: keep passwords in a FILE.`;

const rotations = [
  "round-robin",
  "random",
  "weighted",
  "least-used",
  "least-recently-used",
] as const satisfies readonly RotationName[];

/** The validated values of these options. */
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
 * Validates the options about proxies; undefined without proxies.
 *
 * @throws UsageError for the first invalid value.
 */
export function readProxyFlags(
  values: ParsedOptions<typeof proxyFlags>["values"],
): ProxySettings | undefined {
  const source = readProxySource(values);
  const settings = {
    rotation: parseChoice("rotation", values.rotation, rotations),
    country: values.country,
    sticky: parseChoice("sticky", values.sticky, ["none", "host"]),
    cooldown: parseDuration("cooldown", values.cooldown),
    rotatesPerConnection: values["rotates-per-connection"] === true,
  };
  if (source !== undefined) return { source, ...settings };
  const useless = (["rotation", "country", "sticky", "cooldown", "rotates-per-connection"] as const).find(
    (name) => values[name] !== undefined,
  );
  if (useless !== undefined)
    throw new OptionError(useless, "requires proxies: add --proxies FILE or --proxy PROXY");
  return undefined;
}

function readProxySource({
  proxies,
  proxy,
}: ParsedOptions<typeof proxyFlags>["values"]): ProxySettings["source"] | undefined {
  if (proxies !== undefined && proxy !== undefined)
    throw new UsageError("--proxies and --proxy cannot be combined");
  if (proxies !== undefined) return { file: proxies };
  return proxy === undefined ? undefined : { list: proxy };
}

/**
 * Creates a pool and reads its proxies.
 *
 * @throws UsageError with the place of the first invalid proxy, and without any part of it.
 */
export async function openPool({ source, ...settings }: ProxySettings): Promise<ProxyPool> {
  const { rotation, sticky, cooldown, rotatesPerConnection } = settings;
  if ("file" in source) await checkProxyFile(source.file);
  const { ProxyPool } = await import("@holdfast/proxies");
  const options = {
    rotation,
    rotatesPerConnection,
    ...(sticky === "host" && { sticky }),
    ...(cooldown !== undefined && { cooldown }),
  };
  const pool = await withUsageErrors(() =>
    new ProxyPool("file" in source ? source : source.list, options).ready(),
  );
  if (pool.size === 0)
    throw new UsageError(`${"file" in source ? basename(source.file) : "the list"} contains no proxy`);
  return pool;
}

/**
 * Checks that a list of proxies can be read.
 *
 * @throws UsageError with the name of the file, except where the name looks like a proxy and so may contain a password.
 */
export async function checkProxyFile(file: string): Promise<void> {
  if (/^\.{0,2}\/(?!\/)|^[^:@]*$/.test(file)) return checkReadable(file);
  await checkReadable(file).catch(() => {
    throw new UsageError("cannot read the list of proxies: no such file (for a single proxy, use --proxy)");
  });
}

async function withUsageErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}
