/** Rule for moving between tiers. The defaults are in `tierDefaults`. */
export interface TierRule {
  /** Share of successful requests below which the next tier takes over. */
  readonly minSuccessRate: number;
  /** Share of requests that try the next cheaper tier. */
  readonly canary: number;
  /** Longest time without such a try, in milliseconds. */
  readonly canaryEvery: number;
  /** How much cheaper another tier must be, and how far above `minSuccessRate`, before a host moves to it. */
  readonly hysteresis: number;
  /** Weight of the latest request: with 0.1, the last ten requests make up two thirds. */
  readonly weight: number;
}

export const tierDefaults: TierRule = {
  minSuccessRate: 0.5,
  canary: 0.02,
  canaryEvery: 300_000,
  hysteresis: 0.2,
  weight: 0.1,
};

/** Cost of a tier, in a currency of the user's choice. */
export interface TierCost {
  readonly perRequest: number;
  readonly perGb: number;
}

/** Results of a tier at one host. */
export interface TierResults {
  /** Share of successful requests, the latest weighted most. An untried tier counts as successful. */
  readonly success: number;
  readonly triedAt: number;
}

/** The tiers at one host, the cheapest first. */
export interface TierState {
  readonly current: number;
  readonly tiers: readonly TierResults[];
  /** Bytes of a successful response, the latest weighted most. Pages of a host have the same size through any tier. */
  readonly bytes: number;
}

// Assumed size of a page until the host's is known.
const typicalBytes = 100_000;

/** The chosen tier, and whether it is only a try. */
export interface TierChoice {
  readonly tier: number;
  readonly canary: boolean;
  readonly state: TierState;
}

/** Creates the state of a host without requests: the cheapest tier is current. */
export function createTierState(tiers: number, now: number): TierState {
  const standings = Array.from({ length: tiers }, () => ({ success: 1, triedAt: now }));
  return { current: 0, tiers: standings, bytes: typicalBytes };
}

export interface TierChoiceInput {
  readonly costs: readonly TierCost[];
  /** Whether each tier has budget left. */
  readonly open: readonly boolean[];
  readonly now: number;
  /** A number in [0, 1). */
  readonly random: number;
}

/**
 * Chooses the tier for a request: the lowest expected cost per success among tiers that succeed often enough. The current
 * tier stays unless another is clearly cheaper. Some requests try the next cheaper tier. Undefined if no tier has budget
 * left.
 */
export function chooseTier(
  rule: TierRule,
  state: TierState,
  question: TierChoiceInput,
): TierChoice | undefined {
  const current = findBestTier(rule, state, question);
  if (current === undefined) return undefined;
  const { open, now, random } = question;
  const cheaper = open.findLastIndex((isOpen, tier) => isOpen && tier < current);
  const due = cheaper !== -1 && now - (state.tiers[cheaper]?.triedAt ?? 0) >= rule.canaryEvery;
  const canary = cheaper !== -1 && (due || random < rule.canary);
  const tier = canary ? cheaper : current;
  const tiers = state.tiers.map((tierState, index) =>
    index === tier ? { ...tierState, triedAt: now } : tierState,
  );
  return { tier, canary, state: { ...state, current, tiers } };
}

/** Returns the state after a request through a tier. */
export function recordTierRequest(
  { weight }: TierRule,
  state: TierState,
  { tier, good, bytes }: { readonly tier: number; readonly good: boolean; readonly bytes: number },
): TierState {
  const blend = (before: number, latest: number): number => before + weight * (latest - before);
  const tiers = state.tiers.map((tierState, index) =>
    index === tier ? { ...tierState, success: blend(tierState.success, Number(good)) } : tierState,
  );
  return { ...state, tiers, bytes: good ? blend(state.bytes, bytes) : state.bytes };
}

/** Returns the expected cost of a success: the cost of a request divided by the success rate. */
export function costPerSuccess({ perRequest, perGb }: TierCost, success: number, bytes: number): number {
  return (perRequest + (perGb * bytes) / 1e9) / success;
}

function findBestTier(
  rule: TierRule,
  state: TierState,
  { costs, open }: TierChoiceInput,
): number | undefined {
  const success = (tier: number): number => state.tiers[tier]?.success ?? 0;
  const cost = (tier: number): number =>
    costPerSuccess(costs[tier] ?? { perRequest: Infinity, perGb: 0 }, success(tier), state.bytes);
  const isGood = (tier: number): boolean =>
    success(tier) >= rule.minSuccessRate * (tier === state.current ? 1 : 1 + rule.hysteresis);
  const usable = open.flatMap((isOpen, tier) => (isOpen ? [tier] : []));
  const good = usable.filter(isGood);
  // If no tier succeeds often enough, use the most successful one.
  if (good.length === 0) return usable.toSorted((a, b) => success(b) - success(a))[0];
  const cheapest = good.reduce((a, b) => (cost(b) < cost(a) ? b : a));
  const stays = good.includes(state.current) && cost(cheapest) >= cost(state.current) * (1 - rule.hysteresis);
  return stays ? state.current : cheapest;
}
