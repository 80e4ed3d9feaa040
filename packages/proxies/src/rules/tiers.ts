/** When a dearer tier is worth it; the defaults are in `tierDefaults`. */
export interface TierRule {
  /** The share of requests that must succeed; below it, the next tier takes over. */
  readonly minSuccessRate: number;
  /** The share of requests that try the next cheaper tier all the same. */
  readonly canary: number;
  /** The longest time without such a try, in milliseconds. */
  readonly canaryEvery: number;
  /** How much cheaper another tier has to be, and how much above the floor, before it is moved to. */
  readonly hysteresis: number;
  /** How much the latest request counts: with 0.1, the last ten or so make up two thirds. */
  readonly weight: number;
}

export const tierDefaults: TierRule = {
  minSuccessRate: 0.5,
  canary: 0.02,
  canaryEvery: 300_000,
  hysteresis: 0.2,
  weight: 0.1,
};

/** What a tier costs, in a currency of the owner's choice. */
export interface TierCost {
  readonly perRequest: number;
  readonly perGb: number;
}

/** How a tier does at one host. */
export interface TierStanding {
  /** The share of requests that succeed; the latest count most. A tier that was never tried is believed in. */
  readonly success: number;
  readonly triedAt: number;
}

/** The tiers at one host, the cheapest first. */
export interface TierState {
  readonly current: number;
  readonly tiers: readonly TierStanding[];
  /** Bytes of an answer that was a success, the latest count most: a host's pages are as large through any tier. */
  readonly bytes: number;
}

// A page, as long as nothing is known of the host's.
const typicalBytes = 100_000;

/** A tier that was chosen, and whether only as a try. */
export interface TierChoice {
  readonly tier: number;
  readonly canary: boolean;
  readonly state: TierState;
}

/** All tiers as yet untried, the cheapest first in use. */
export function createTierState(tiers: number, now: number): TierState {
  const standings = Array.from({ length: tiers }, () => ({ success: 1, triedAt: now }));
  return { current: 0, tiers: standings, bytes: typicalBytes };
}

export interface TierChoiceInput {
  readonly costs: readonly TierCost[];
  /** Which tiers may be used: those whose budget is not spent. */
  readonly open: readonly boolean[];
  readonly now: number;
  /** A number in [0, 1). */
  readonly random: number;
}

/**
 * Chooses the tier for a request: of those that succeed often enough the one with the lowest expected cost per success,
 * and the one in use unless another is clearly cheaper. Now and then the next cheaper one is tried. Undefined when none
 * is open.
 */
export function chooseTier(
  rule: TierRule,
  state: TierState,
  question: TierChoiceInput,
): TierChoice | undefined {
  const current = bestOf(rule, state, question);
  if (current === undefined) return undefined;
  const { open, now, random } = question;
  const cheaper = open.findLastIndex((isOpen, tier) => isOpen && tier < current);
  const due = cheaper !== -1 && now - (state.tiers[cheaper]?.triedAt ?? 0) >= rule.canaryEvery;
  const canary = cheaper !== -1 && (due || random < rule.canary);
  const tier = canary ? cheaper : current;
  const tiers = state.tiers.map((standing, index) =>
    index === tier ? { ...standing, triedAt: now } : standing,
  );
  return { tier, canary, state: { ...state, current, tiers } };
}

/** The state after a request through a tier, good or not. */
export function recordTierRequest(
  { weight }: TierRule,
  state: TierState,
  { tier, good, bytes }: { readonly tier: number; readonly good: boolean; readonly bytes: number },
): TierState {
  const blend = (before: number, latest: number): number => before + weight * (latest - before);
  const tiers = state.tiers.map((standing, index) =>
    index === tier ? { ...standing, success: blend(standing.success, Number(good)) } : standing,
  );
  return { ...state, tiers, bytes: good ? blend(state.bytes, bytes) : state.bytes };
}

/** What a success is expected to cost: what a request costs, by the share of those that are in vain. */
export function costPerSuccess({ perRequest, perGb }: TierCost, success: number, bytes: number): number {
  return (perRequest + (perGb * bytes) / 1e9) / success;
}

function bestOf(rule: TierRule, state: TierState, { costs, open }: TierChoiceInput): number | undefined {
  const success = (tier: number): number => state.tiers[tier]?.success ?? 0;
  const cost = (tier: number): number =>
    costPerSuccess(costs[tier] ?? { perRequest: Infinity, perGb: 0 }, success(tier), state.bytes);
  const isGood = (tier: number): boolean =>
    success(tier) >= rule.minSuccessRate * (tier === state.current ? 1 : 1 + rule.hysteresis);
  const usable = open.flatMap((isOpen, tier) => (isOpen ? [tier] : []));
  const good = usable.filter(isGood);
  // Where none is good enough, the one that succeeds most often.
  if (good.length === 0) return usable.toSorted((a, b) => success(b) - success(a))[0];
  const cheapest = good.reduce((a, b) => (cost(b) < cost(a) ? b : a));
  const stays = good.includes(state.current) && cost(cheapest) >= cost(state.current) * (1 - rule.hysteresis);
  return stays ? state.current : cheapest;
}
