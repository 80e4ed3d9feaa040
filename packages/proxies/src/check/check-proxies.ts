import { ProxyLabels } from "../state/proxy-labels.ts";
import { systemRandom, type Duration } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import { formatProxyLabel, formatProxyUrl, summarizeError } from "@holdfast/http/internal";
import {
  type HeadersInit,
  type HttpResponse,
  InvalidUrlError,
  ProxyError,
  type ProxyFault,
  type ProxyReason,
  type ProxyScheme,
  Session,
  type SessionOptions,
  errorVerdict,
} from "@holdfast/http";
import type { ProxySpec } from "../list/parse-entry.ts";
import { findExitAddress } from "./exit-address.ts";
import { parseProxyList } from "../list/proxy-list.ts";
import { fillTemplate, needsCountry, createSessionId } from "../list/template.ts";

/** Options of `checkProxies`. */
export interface ProxyCheckOptions {
  /** URL to request through each proxy. A site that responds with the caller's address reveals the exit address. */
  readonly url: string;
  /** Name of the list in messages about invalid lines. @default "the list" */
  readonly name?: string;
  /** Proxies to test at the same time. @default 16 */
  readonly concurrency?: number;
  /** Limit for the connection, and then for silence. @default "10s" */
  readonly timeout?: Duration;
  /** Value of `{country}` in a template. */
  readonly country?: string | undefined;
  /** Headers of the test request. */
  readonly headers?: HeadersInit;
  /** Settings of TLS for the test request. */
  readonly tls?: NonNullable<SessionOptions["tls"]>;
}

/** The reason why a proxy does not work, and the party at fault. */
export interface ProxyFailure {
  /** Reason of a ProxyError (`"auth"`) or of a verdict (`"http-403"`); `"no-country"` if the template needs a country. */
  readonly reason: string;
  /** Absent if the proxy was not tested. */
  readonly fault?: ProxyFault;
  readonly message: string;
}

/** Result of one proxy, without credentials. */
export interface ProxyCheck {
  /** Label: `http://10.0.0.1:8080`, with a number for several accounts behind one address. */
  readonly proxy: string;
  /** Whether the response was a success. */
  readonly works: boolean;
  /** Protocol of the proxy, if it is known. */
  readonly kind?: ProxyScheme;
  /** Exit address, if the response contains it. */
  readonly exit?: string;
  /** Milliseconds from the connection to the last byte of the response. */
  readonly latency?: number;
  readonly status?: number;
  readonly failure?: ProxyFailure;
}

/** Results of a list. */
export interface ProxyChecks {
  /** Results in the order of the list. */
  readonly proxies: readonly ProxyCheck[];
  /** A message for each invalid line, which quotes nothing of it. */
  readonly faults: readonly string[];
}

/**
 * Tests each proxy of a list with one request. A line without a scheme is tested as an http proxy, then as SOCKS5, then as
 * SOCKS4.
 *
 * @throws InvalidUrlError or TypeError for a URL or an option that no proxy could use.
 */
export async function checkProxies(list: string, options: ProxyCheckOptions): Promise<ProxyChecks> {
  if (!URL.canParse(options.url)) throw new InvalidUrlError("The URL of the check is not valid");
  const { proxies, faults } = parseProxyList(list, options.name ?? "the list");
  const labels = new ProxyLabels();
  const named = proxies.map((spec) => ({ spec, label: labels.take(spec.label) }));
  const checked = await mapInParallel(named, options.concurrency ?? 16, async ({ spec, label }) => {
    const check = await checkOne(spec, options);
    // The scheme that was tried last may be another one than that of the label.
    return { ...check, proxy: check.proxy + label.slice(spec.label.length) };
  });
  return { proxies: checked, faults };
}

const noCountry: ProxyFailure = {
  reason: "no-country",
  message: "not tested: its template has {country}, but no country was given",
};

const schemesToTry: readonly ProxyScheme[] = ["http", "socks5", "socks4"];

async function checkOne(spec: ProxySpec, options: ProxyCheckOptions): Promise<ProxyCheck> {
  if (needsCountry(spec.address) && (options.country ?? spec.country) === undefined)
    return { proxy: spec.label, works: false, failure: noCountry };
  const kinds = spec.isSchemeGiven ? [spec.address.scheme] : schemesToTry;
  let first: ProxyCheck | undefined;
  for (const kind of kinds) {
    const check = await checkAs(kind, spec, options);
    if (check.kind !== undefined || isUnreachable(check)) return check;
    first ??= check;
  }
  return first ?? { proxy: spec.label, works: false };
}

async function checkAs(kind: ProxyScheme, spec: ProxySpec, options: ProxyCheckOptions): Promise<ProxyCheck> {
  const { url, timeout = "10s", headers, tls } = options;
  const limit = toMs(timeout);
  const session = new Session({
    proxy: formatUrlAs(kind, spec, options),
    retry: false,
    timeout: { connect: limit, read: limit },
    cookies: false,
    trustEnvironment: false,
    maxBytes: 16 * 2 ** 20,
    ...(headers !== undefined && { headers }),
    ...(tls !== undefined && { tls }),
  });
  const proxy = formatProxyLabel({ ...spec.address, scheme: kind });
  try {
    return { proxy, ...toCheckResult(kind, await session.get(url)) };
  } catch (error) {
    return { proxy, works: false, ...toCheckFailure(kind, error) };
  } finally {
    await session.close();
  }
}

/** Returns the URL of a proxy, with a new session, for one scheme. */
function formatUrlAs(kind: ProxyScheme, spec: ProxySpec, { country }: ProxyCheckOptions): string {
  const { address, values, session } = spec;
  const filling = { values, country: country ?? spec.country, ttl: session.ttl };
  return formatProxyUrl({
    ...fillTemplate(address, { ...filling, session: createSessionId(address, systemRandom) }),
    scheme: kind,
  });
}

function toCheckResult(kind: ProxyScheme, response: HttpResponse): Omit<ProxyCheck, "proxy"> {
  const { status, verdict, elapsed: latency } = response;
  if (verdict.kind !== "success") {
    const message = `The site responded with ${status}`;
    return {
      works: false,
      kind,
      status,
      latency,
      failure: { reason: verdict.reason, fault: "origin", message },
    };
  }
  const exit = findExitAddress(new TextDecoder().decode(response.content));
  return { works: true, kind, status, latency, ...(exit !== undefined && { exit }) };
}

// These reasons come from a proxy that understood the protocol.
const reasonsInProtocol: ReadonlySet<ProxyReason> = new Set([
  "auth",
  "payment",
  "throttled",
  "refused",
  "unsupported",
  "failed",
  "unavailable",
  "cut",
  "origin-not-found",
  "origin-unreachable",
  "origin-refused",
  "origin-timeout",
  "origin-failed",
]);

function toCheckFailure(kind: ProxyScheme, error: unknown): Pick<ProxyCheck, "kind" | "failure"> {
  const { message } = summarizeError(error);
  if (!(error instanceof ProxyError)) {
    if (error instanceof TypeError) throw error;
    return { failure: { reason: errorVerdict(error).reason, fault: "unknown", message } };
  }
  const { reason, fault } = error;
  return { ...(reasonsInProtocol.has(reason) && { kind }), failure: { reason, fault, message } };
}

/** Returns whether another protocol cannot help. */
function isUnreachable({ failure }: ProxyCheck): boolean {
  return failure?.reason === "unreachable" || failure?.reason === "timeout-connect";
}

async function mapInParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
