/** The counts of one proxy, or of all. */
export interface ProxyCounters {
  readonly requests: number;
  readonly successes: number;
  /** Responses that refused the address: 403 and challenge pages. */
  readonly blocks: number;
  /** Responses that limited the address: 429. */
  readonly throttles: number;
  /** Requests that failed on the way, or at the proxy. */
  readonly failures: number;
  readonly cooldowns: number;
  readonly bytes: number;
}

/** The statistics of one proxy as the pool reports them, without credentials. */
export interface PoolProxyStats extends ProxyCounters {
  /** The proxy's URL without credentials. */
  readonly proxy: string;
  readonly state: "available" | "cooling-down" | "probing" | "retired";
  readonly cooldownReasons: Readonly<Record<string, number>>;
  /** The cooldowns in force: for one host, or without `host` for all hosts. */
  readonly activeCooldowns: readonly {
    readonly host?: string;
    readonly reason: string;
    readonly until: number /* epoch ms */;
  }[];
}

/** The statistics of one proxy, over all runs in the folder. */
export interface RunProxyStats extends PoolProxyStats {
  /** Requests before a block, on average; absent without a block. */
  readonly requestsBeforeBlock?: number;
}

/** The sum over all proxies of a run. */
export interface ProxyTotals extends ProxyCounters {
  readonly proxies: number;
}

/** The statistics of a run's proxies. */
export interface ProxyReport {
  readonly totals: ProxyTotals;
  /** The proxy with the largest share of failed requests first. */
  readonly byProxy: readonly RunProxyStats[];
}

const zeroCounts: ProxyCounters = {
  requests: 0,
  successes: 0,
  blocks: 0,
  throttles: 0,
  failures: 0,
  cooldowns: 0,
  bytes: 0,
};

const counterNames = Object.keys(zeroCounts);

/** Adds the pool's statistics to those of earlier runs. A proxy that has left the list keeps its statistics. */
export function mergeProxyStats(
  before: readonly RunProxyStats[],
  now: readonly PoolProxyStats[],
): readonly RunProxyStats[] {
  const earlier = new Map(before.map((stats) => [stats.proxy, stats]));
  const present = new Set(now.map(({ proxy }) => proxy));
  const removed = before.filter(({ proxy }) => !present.has(proxy));
  return [...now.map((stats) => mergeOne(earlier.get(stats.proxy), stats)), ...removed];
}

/** Adds up the statistics and sorts the proxies, the worst first. */
export function buildProxyReport(stats: readonly RunProxyStats[]): ProxyReport {
  const totals = stats.reduce((sum, each) => ({ ...addCounts(sum, each), proxies: sum.proxies + 1 }), {
    ...zeroCounts,
    proxies: 0,
  });
  return { totals, byProxy: worstFirst(stats) };
}

/** Sorts by the share of failed requests, the largest first. A proxy without requests comes last. */
function worstFirst(stats: readonly RunProxyStats[]): readonly RunProxyStats[] {
  return stats.toSorted((a, b) => failureShare(b) - failureShare(a) || b.requests - a.requests);
}

function failureShare({ requests, successes }: PoolProxyStats): number {
  return requests === 0 ? -1 : 1 - successes / requests;
}

function mergeOne(before: RunProxyStats | undefined, now: PoolProxyStats): RunProxyStats {
  const { proxy, state, activeCooldowns } = now;
  const counts = addCounts(before ?? zeroCounts, now);
  const cooldownReasons = addReasonCounts(before?.cooldownReasons ?? {}, now.cooldownReasons);
  const { blocks, requests } = counts;
  return {
    proxy,
    state,
    ...counts,
    cooldownReasons,
    activeCooldowns,
    ...(blocks > 0 && { requestsBeforeBlock: (requests - blocks) / blocks }),
  };
}

function addCounts(a: ProxyCounters, b: ProxyCounters): ProxyCounters {
  return {
    requests: a.requests + b.requests,
    successes: a.successes + b.successes,
    blocks: a.blocks + b.blocks,
    throttles: a.throttles + b.throttles,
    failures: a.failures + b.failures,
    cooldowns: a.cooldowns + b.cooldowns,
    bytes: a.bytes + b.bytes,
  };
}

function addReasonCounts(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const reasons = new Map(Object.entries(a));
  for (const [reason, count] of Object.entries(b)) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  return Object.fromEntries(reasons);
}

/** Returns whether a stored value has the shape that `mergeProxyStats` returns. */
export function isProxyStats(value: unknown): value is readonly RunProxyStats[] {
  return Array.isArray(value) && value.every(isOneProxyStats);
}

function isOneProxyStats(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { proxy, state, cooldownReasons, activeCooldowns } = value;
  return (
    typeof proxy === "string" &&
    typeof state === "string" &&
    isObject(cooldownReasons) &&
    Object.values(cooldownReasons).every((count) => typeof count === "number") &&
    Array.isArray(activeCooldowns) &&
    activeCooldowns.every(isActiveCooldown) &&
    counterNames.every((name) => typeof value[name] === "number")
  );
}

function isActiveCooldown(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { host, reason, until } = value;
  return isOptionalString(host) && typeof reason === "string" && typeof until === "number";
}

function isOptionalString(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
