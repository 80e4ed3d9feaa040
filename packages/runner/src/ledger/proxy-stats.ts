/** What a pool tells of one of its proxies: the part that a run keeps. No credentials are in it. */
export interface PoolFigures {
  /** What may be shown of it. */
  readonly proxy: string;
  readonly state: "fit" | "resting" | "probing" | "retired";
  readonly requests: number;
  readonly successes: number;
  readonly blocks: number;
  readonly throttles: number;
  readonly failures: number;
  readonly rests: number;
  readonly restReasons: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly restsAt: readonly {
    readonly host?: string;
    readonly reason: string;
    readonly until: number /* epoch ms */;
  }[];
}

/** How a proxy did in a run, over all the times that it was begun anew. */
export interface ProxyFigures extends PoolFigures {
  /** Requests that were answered before a block, on average; absent without one. */
  readonly requestsBeforeBlock?: number;
}

/** The sum over all proxies of a run. */
export interface ProxySums extends Pick<
  PoolFigures,
  "requests" | "successes" | "blocks" | "throttles" | "failures" | "rests" | "bytes"
> {
  readonly proxies: number;
}

/** How the proxies of a run did. */
export interface ProxyReport {
  readonly sum: ProxySums;
  /** The worst first. */
  readonly each: readonly ProxyFigures[];
}

const counters = ["requests", "successes", "blocks", "throttles", "failures", "rests", "bytes"] as const;
const nothing: ProxySums = {
  proxies: 0,
  requests: 0,
  successes: 0,
  blocks: 0,
  throttles: 0,
  failures: 0,
  rests: 0,
  bytes: 0,
};

/** Adds what the pool counts now to what was counted before it was made; a proxy that is gone keeps its figures. */
export function addFigures(
  before: readonly ProxyFigures[],
  now: readonly PoolFigures[],
): readonly ProxyFigures[] {
  const earlier = new Map(before.map((figures) => [figures.proxy, figures]));
  const present = new Set(now.map(({ proxy }) => proxy));
  const gone = before.filter(({ proxy }) => !present.has(proxy));
  return [...now.map((figures) => sumOfTwo(earlier.get(figures.proxy), figures)), ...gone];
}

/** Adds up, and puts the worst first. */
export function reportOn(figures: readonly ProxyFigures[]): ProxyReport {
  const sum = figures.reduce(
    (total, each) => ({ ...added(total, each), proxies: total.proxies + 1 }),
    nothing,
  );
  return { sum, each: worstFirst(figures) };
}

/** Orders them by the share of their requests that came to nothing, the worst first; who was never asked comes last. */
function worstFirst(figures: readonly ProxyFigures[]): readonly ProxyFigures[] {
  return figures.toSorted((a, b) => lossOf(b) - lossOf(a) || b.requests - a.requests);
}

function lossOf({ requests, successes }: PoolFigures): number {
  return requests === 0 ? -1 : 1 - successes / requests;
}

function sumOfTwo(before: ProxyFigures | undefined, now: PoolFigures): ProxyFigures {
  const { proxy, state, restsAt } = now;
  const counts = added(before ?? nothing, now);
  const restReasons = addedReasons(before?.restReasons ?? {}, now.restReasons);
  const { blocks, requests } = counts;
  return {
    proxy,
    state,
    ...counts,
    restReasons,
    restsAt,
    ...(blocks > 0 && { requestsBeforeBlock: (requests - blocks) / blocks }),
  };
}

type Counts = Pick<PoolFigures, (typeof counters)[number]>;

function added(a: Counts, b: Counts): Counts {
  return {
    requests: a.requests + b.requests,
    successes: a.successes + b.successes,
    blocks: a.blocks + b.blocks,
    throttles: a.throttles + b.throttles,
    failures: a.failures + b.failures,
    rests: a.rests + b.rests,
    bytes: a.bytes + b.bytes,
  };
}

function addedReasons(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const reasons = new Map(Object.entries(a));
  for (const [reason, count] of Object.entries(b)) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  return Object.fromEntries(reasons);
}

/** Recognises what `addFigures` made, when it is read back. */
export function isFigures(value: unknown): value is readonly ProxyFigures[] {
  return Array.isArray(value) && value.every(isOne);
}

function isOne(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "proxy" in value &&
    typeof value.proxy === "string" &&
    "restReasons" in value &&
    "restsAt" in value &&
    counters.every((counter) => typeof Reflect.get(value, counter) === "number")
  );
}
