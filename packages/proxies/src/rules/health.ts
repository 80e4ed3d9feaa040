/** How health is judged; times are milliseconds. */
export interface HealthRule {
  /** The first rest; each one after it without a success between is twice as long. */
  readonly cooldown: number;
  readonly maxCooldown: number;
  /** Rests in a row after which an address is retired: from then on it is probed after the longest rest only. */
  readonly retireAfter: number;
  /** The score at which an address rests. */
  readonly limit: number;
  /** What a success takes off the score, to which a failure adds one. */
  readonly reward: number;
  /** In what time a score halves. */
  readonly halfLife: number;
  /** How long a probe may go on before it is taken for lost. */
  readonly probe: number;
}

/**
 * The health of one address, at one host or at all of them. `rests` counts those in a row, each success takes one off;
 * from `retireAfter` on the address is retired: a rest like any other, but the longest.
 *
 * ```
 *      failed: a point, succeeded: `reward` less, ignored: nothing
 *  ┌─┐
 *  ▼ │
 *  fit ── failed up to the limit, refused, throttled ──▶ resting ── leased after the rest ──▶ probing
 *   ▲                                                      ▲  ▲                                │ │ │
 *   │                                                      │  └─ failed, refused, throttled: ──┘ │ │
 *   │                                                      │     the next rest                   │ │
 *   │                                                      └─ ignored: over at once ─────────────┘ │
 *   └────────────────────────────────────── succeeded ─────────────────────────────────────────────┘
 * ```
 *
 * Nothing but a lease ends `resting`: a rest that is over keeps the name until then, and `isFit` says that it is over.
 * Nothing but a later word of who asked for patience changes a rest. Which outcomes have which effect is in blame.ts.
 */
export type Health =
  | { readonly at: "available"; readonly cooldowns: number; readonly score: number; readonly asOf: number }
  | CoolingDown;

/** An address that rests until an instant, or that is tried by one request alone. */
export interface CoolingDown {
  readonly at: "cooling-down" | "probing";
  readonly cooldowns: number;
  /** When the rest ends, or when the probe is taken for lost. */
  readonly until: number;
  readonly since: number;
  readonly reason: string;
  /** Whether the host only asked for patience: the address is as good as before when the rest is over. */
  readonly throttled: boolean;
}

/** What happens to an address. `began` is when the request that tells of it was leased, `random` a number in [0, 1). */
export type HealthInput =
  | { readonly type: "leased"; readonly now: number }
  | { readonly type: "succeeded"; readonly now: number; readonly began: number }
  /** It says nothing of the address. */
  | { readonly type: "ignored"; readonly now: number; readonly began: number }
  /** It may have been the address: one point more. */
  | (Trouble & { readonly type: "failed" })
  /** It was the address. */
  | (Trouble & { readonly type: "refused" })
  /** The address came too often; `until` is when it may come again, where that was said. */
  | (Trouble & { readonly type: "throttled"; readonly until: number | undefined });

interface Trouble {
  readonly now: number;
  readonly began: number;
  readonly reason: string;
  readonly random: number;
}

/** An address of which nothing is known. */
export const blankHealth: Health = { at: "available", cooldowns: 0, score: 0, asOf: 0 };

/** Whether the address may be given to a request. */
export function isAvailable(health: Health, now: number): boolean {
  return health.at === "available" || now >= health.until;
}

/** Whether so many rests in a row were in vain that only a probe now and then is worth it. */
export function isRetired(rule: HealthRule, health: Health): boolean {
  return health.at !== "available" && health.cooldowns >= rule.retireAfter;
}

/** Whether the state says no more than `fit` does, and may be forgotten. */
export function isBlank(health: Health): boolean {
  return health.at === "available" && health.score === 0 && health.cooldowns === 0;
}

/** The health after what happened: the whole rule, without clock, chance or pool. */
export function nextHealth(rule: HealthRule, health: Health, input: HealthInput): Health {
  if (input.type === "leased") return startProbe(rule, health, input.now);
  // A request that was under way before the rest says nothing new, unless it names a later time to come back.
  if (health.at === "cooling-down" || (health.at === "probing" && input.began < health.since))
    return input.type === "throttled" ? extendCooldown(health, input.until) : health;
  switch (input.type) {
    case "succeeded":
      return recordSuccess(rule, health, input.now);
    case "ignored":
      return health.at === "probing" ? { ...health, at: "cooling-down", until: input.now } : health;
    case "failed":
      return recordFailure(rule, health, input);
    case "refused":
      return coolDown(rule, health, input);
    case "throttled":
      return recordThrottle(rule, health, input);
  }
}

/** The score as it stands now: it halves with time, so that old trouble is forgotten. */
export function scoreOf({ halfLife }: HealthRule, health: Health, now: number): number {
  return health.at === "available" ? health.score * 0.5 ** ((now - health.asOf) / halfLife) : 0;
}

/**
 * How long the rest after `rests` others is: twice the one before, the longest where the address retires with it, and up
 * to half as long again by chance.
 */
export function cooldownFor(
  { cooldown, maxCooldown, retireAfter }: HealthRule,
  cooldowns: number,
  random: number,
): number {
  const retires = cooldowns + 1 >= retireAfter;
  return (retires ? maxCooldown : Math.min(maxCooldown, cooldown * 2 ** cooldowns)) * (1 + random / 2);
}

/** The health of one that was held to blame for a point or a rest, and was not. */
export function clearBlame(rule: HealthRule, health: Health, now: number): Health {
  const cooldowns = Math.max(0, health.cooldowns - Number(health.at !== "available"));
  return { at: "available", cooldowns, score: Math.max(0, scoreOf(rule, health, now) - 1), asOf: now };
}

function startProbe(rule: HealthRule, health: Health, now: number): Health {
  if (health.at === "available" || now < health.until) return health;
  return { ...health, at: "probing", since: now, until: now + rule.probe };
}

function recordSuccess(rule: HealthRule, health: Health, now: number): Health {
  if (isBlank(health)) return health;
  const score = Math.max(0, scoreOf(rule, health, now) - rule.reward);
  return { at: "available", cooldowns: Math.max(0, health.cooldowns - 1), score, asOf: now };
}

function recordFailure(rule: HealthRule, health: Health, input: Trouble): Health {
  const score = scoreOf(rule, health, input.now) + 1;
  const bearable = health.at === "available" && score < rule.limit;
  return bearable ? { ...health, score, asOf: input.now } : coolDown(rule, health, input);
}

function coolDown(rule: HealthRule, { cooldowns }: Health, { now, reason, random }: Trouble): CoolingDown {
  const until = now + cooldownFor(rule, cooldowns, random);
  return { at: "cooling-down", cooldowns: cooldowns + 1, until, since: now, reason, throttled: false };
}

/** Rests as long as was asked for; where nothing was, longer each time, but it is never retired for it. */
function recordThrottle(
  rule: HealthRule,
  health: Health,
  input: Trouble & { readonly until: number | undefined },
): CoolingDown {
  const { now, until, reason } = input;
  const asked = { at: "cooling-down", since: now, reason, throttled: true } as const;
  if (until !== undefined) return { ...asked, cooldowns: health.cooldowns, until: Math.max(now, until) };
  const paused = coolDown({ ...rule, retireAfter: Infinity }, health, input);
  return { ...paused, ...asked, cooldowns: Math.min(paused.cooldowns, Math.max(1, rule.retireAfter - 1)) };
}

function extendCooldown(health: CoolingDown, until = 0): Health {
  return until > health.until && health.at === "cooling-down" ? { ...health, until } : health;
}
