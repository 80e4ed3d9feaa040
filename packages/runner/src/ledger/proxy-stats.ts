/** What a pool tells of one of its proxies: the part that a run keeps. No credentials are in it. */
export interface PoolProxyStats {
  /** What may be shown of it. */
  readonly proxy: string;
  readonly state: "available" | "cooling-down" | "probing" | "retired";
  readonly requests: number;
  readonly successes: number;
  readonly blocks: number;
  readonly throttles: number;
  readonly failures: number;
  readonly cooldowns: number;
  readonly cooldownReasons: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly activeCooldowns: readonly {
    readonly host?: string;
    readonly reason: string;
    readonly until: number /* epoch ms */;
  }[];
}

/** How a proxy did in a run, over all the times that it was begun anew. */
export interface RunProxyStats extends PoolProxyStats {
  /** Requests that were answered before a block, on average; absent without one. */
  readonly requestsBeforeBlock?: number;
}

/** The sum over all proxies of a run. */
export interface ProxyTotals extends Pick<
  PoolProxyStats,
  "requests" | "successes" | "blocks" | "throttles" | "failures" | "cooldowns" | "bytes"
> {
  readonly proxies: number;
}

/** How the proxies of a run did. */
export interface ProxyReport {
  readonly totals: ProxyTotals;
  /** The worst first. */
  readonly byProxy: readonly RunProxyStats[];
}

const counters = ["requests", "successes", "blocks", "throttles", "failures", "cooldowns", "bytes"] as const;
const zeroTotals: ProxyTotals = {
  proxies: 0,
  requests: 0,
  successes: 0,
  blocks: 0,
  throttles: 0,
  failures: 0,
  cooldowns: 0,
  bytes: 0,
};

/** Adds what the pool counts now to what was counted before it was made; a proxy that is gone keeps its figures. */
export function mergeProxyStats(
  before: readonly RunProxyStats[],
  now: readonly PoolProxyStats[],
): readonly RunProxyStats[] {
  const earlier = new Map(before.map((figures) => [figures.proxy, figures]));
  const present = new Set(now.map(({ proxy }) => proxy));
  const gone = before.filter(({ proxy }) => !present.has(proxy));
  return [...now.map((figures) => mergeOne(earlier.get(figures.proxy), figures)), ...gone];
}

/** Adds up, and puts the worst first. */
export function buildProxyReport(figures: readonly RunProxyStats[]): ProxyReport {
  const sum = figures.reduce(
    (total, each) => ({ ...addCounts(total, each), proxies: total.proxies + 1 }),
    zeroTotals,
  );
  return { totals: sum, byProxy: worstFirst(figures) };
}

/** Orders them by the share of their requests that came to nothing, the worst first; who was never asked comes last. */
function worstFirst(figures: readonly RunProxyStats[]): readonly RunProxyStats[] {
  return figures.toSorted((a, b) => failureShare(b) - failureShare(a) || b.requests - a.requests);
}

function failureShare({ requests, successes }: PoolProxyStats): number {
  return requests === 0 ? -1 : 1 - successes / requests;
}

function mergeOne(before: RunProxyStats | undefined, now: PoolProxyStats): RunProxyStats {
  const { proxy, state, activeCooldowns } = now;
  const counts = addCounts(before ?? zeroTotals, now);
  const cooldownReasons = addReasonCounts(before?.cooldownReasons ?? {}, now.cooldownReasons);
  const { blocks, requests } = counts;
  return {
    proxy,
    state,
    ...counts,
    cooldownReasons: cooldownReasons,
    activeCooldowns: activeCooldowns,
    ...(blocks > 0 && { requestsBeforeBlock: (requests - blocks) / blocks }),
  };
}

type Counts = Pick<PoolProxyStats, (typeof counters)[number]>;

function addCounts(a: Counts, b: Counts): Counts {
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

/** Recognises what `addFigures` made, when it is read back. */
export function isProxyStats(value: unknown): value is readonly RunProxyStats[] {
  return Array.isArray(value) && value.every(isOneProxyStats);
}

function isOneProxyStats(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "proxy" in value &&
    typeof value.proxy === "string" &&
    "cooldownReasons" in value &&
    "activeCooldowns" in value &&
    counters.every((counter) => typeof Reflect.get(value, counter) === "number")
  );
}
