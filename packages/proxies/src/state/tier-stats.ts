import type { TierCounts } from "../options/pool-stats.ts";
import type { Host } from "./member.ts";
import type { Clock, Random } from "@holdfast/policy";
import type { ProxyEvent } from "../options/events.ts";
import type { ProxyOutcome } from "../rules/outcome.ts";
import type { ProxyTier } from "../options/options.ts";
import {
  recordTierRequest,
  chooseTier,
  costPerSuccess,
  createTierState,
  type TierCost,
  type TierRule,
} from "../rules/tiers.ts";

export interface TierStatsOptions {
  readonly tiers: readonly Omit<ProxyTier, "proxies">[];
  readonly rule: TierRule;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: (event: ProxyEvent) => void;
}

interface TierAccount {
  readonly name: string;
  readonly price: TierCost;
  readonly budget: number;
  requests: number;
  successes: number;
  bytes: number;
  escalations: number;
}

/** Tracks the tier of each host and the spending of each tier. */
export class TierStats {
  readonly #options: TierStatsOptions;
  readonly #accounts: readonly TierAccount[];

  constructor(options: TierStatsOptions) {
    this.#options = options;
    this.#accounts = options.tiers.map(({ name, cost = {}, budget = Infinity }, index) => ({
      name,
      price: {
        perRequest: cost.perRequest ?? (cost.perGb === undefined ? index + 1 : 0),
        perGb: cost.perGb ?? 0,
      },
      budget,
      requests: 0,
      successes: 0,
      bytes: 0,
      escalations: 0,
    }));
  }

  get counts(): readonly TierCounts[] {
    return this.#accounts.map((account) => {
      const { name, requests, successes, bytes, escalations } = account;
      return { name, requests, successes, bytes, escalations, cost: totalCost(account) };
    });
  }

  /** The tiers that have budget left. */
  get open(): readonly number[] {
    return this.#accounts.flatMap((account, tier) => (hasBudget(account) ? [tier] : []));
  }

  /** Returns the tiers for a request, the chosen one first, then the more expensive ones, then the cheaper ones. */
  order(host: Host): readonly number[] {
    const { rule, clock, random } = this.#options;
    if (this.#accounts.length === 1) return this.open;
    const before = (host.tiers ??= createTierState(this.#accounts.length, clock.now()));
    const costs = this.#accounts.map(({ price }) => price);
    const open = this.#accounts.map((account) => hasBudget(account));
    const choice = chooseTier(rule, before, { costs, open, now: clock.now(), random: random() });
    if (choice === undefined) return [];
    host.tiers = choice.state;
    if (choice.state.current !== before.current) this.#moved(host, before.current, choice.state.current);
    const others = this.open.filter((tier) => tier !== choice.tier);
    return [
      choice.tier,
      ...others.filter((it) => it > choice.tier),
      ...others.filter((it) => it < choice.tier).toReversed(),
    ];
  }

  /** Records a request. `originAtFault`: the failure was the origin's fault. */
  record(
    host: Host,
    tier: number,
    { outcome, originAtFault }: { outcome: ProxyOutcome; originAtFault: boolean },
  ): void {
    const account = this.#accounts[tier];
    if (account === undefined) return;
    const { kind, bytes = 0 } = outcome;
    const wasOpen = hasBudget(account);
    account.requests += 1;
    account.bytes += bytes;
    if (kind === "success") account.successes += 1;
    const cost = totalCost(account);
    if (wasOpen && !hasBudget(account)) this.#options.emit({ type: "tier-spent", tier: account.name, cost });
    const says = kind !== "origin" && kind !== "void" && !originAtFault;
    if (host.tiers !== undefined && says)
      host.tiers = recordTierRequest(this.#options.rule, host.tiers, {
        tier,
        good: kind === "success",
        bytes,
      });
  }

  #moved(host: Host, from: number, to: number): void {
    const [old, taken] = [this.#accounts[from], this.#accounts[to]];
    const state = host.tiers;
    if (old === undefined || taken === undefined || state === undefined) return;
    if (to > from) taken.escalations += 1;
    this.#options.emit({
      type: "tier-changed",
      host: host.name,
      from: old.name,
      to: taken.name,
      success: state.tiers[from]?.success ?? 0,
      costPerSuccess: costPerSuccess(taken.price, state.tiers[to]?.success ?? 0, state.bytes),
    });
  }
}

function totalCost({ price, requests, bytes }: TierAccount): number {
  return price.perRequest * requests + (price.perGb * bytes) / 1e9;
}

function hasBudget(account: TierAccount): boolean {
  return totalCost(account) < account.budget;
}
