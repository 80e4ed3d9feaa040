/** Rule for the health of a proxy. Times are milliseconds. */
export interface HealthRule {
  /** First cooldown. Each consecutive one without a success in between is twice as long. */
  readonly cooldown: number;
  readonly maxCooldown: number;
  /** Consecutive cooldowns after which a proxy is retired: it is probed after the longest cooldown only. */
  readonly retireAfter: number;
  /** Score at which a cooldown begins. */
  readonly limit: number;
  /** Points that a success subtracts from the score. A failure adds one. */
  readonly reward: number;
  /** Time in which a score halves. */
  readonly halfLife: number;
  /** Longest duration of a probe before it counts as lost. */
  readonly probe: number;
}

/**
 * The health of one proxy, at one host or for every host. `cooldowns` counts consecutive ones; each success subtracts one.
 * From `retireAfter` on the proxy is retired: its cooldown is the longest.
 *
 * ```
 *      failed: a point more, succeeded: `reward` less, ignored: no change
 *  ┌───┐
 *  ▼   │
 *  available ── failed up to the limit, refused, throttled ──▶ cooling-down ── leased after it ──▶ probing
 *   ▲                                                           ▲  ▲                               │ │ │
 *   │                                                           │  └─ failed, refused, throttled: ─┘ │ │
 *   │                                                           │     the next cooldown              │ │
 *   │                                                           └─ ignored: ends immediately ────────┘ │
 *   └────────────────────────────────────── succeeded ─────────────────────────────────────────────────┘
 * ```
 *
 * Only a lease ends `cooling-down`: an elapsed cooldown keeps its state until then, and `isAvailable` checks the time.
 * Only a later throttle changes a cooldown in effect. rules/outcome-effects.ts maps outcomes to effects.
 */
export type Health =
  | { readonly at: "available"; readonly cooldowns: number; readonly score: number; readonly asOf: number }
  | CoolingDown;

/** A proxy on a cooldown, or a proxy that one request probes. */
export interface CoolingDown {
  readonly at: "cooling-down" | "probing";
  readonly cooldowns: number;
  /** Instant at which the cooldown ends or the probe counts as lost. */
  readonly until: number;
  readonly since: number;
  readonly reason: string;
  /** Whether the host only asked for a pause: the proxy is as good as before when it ends. */
  readonly throttled: boolean;
}

/** An input of the rule. `began` is the instant of the request's lease, `random` a number in [0, 1). */
export type HealthInput =
  | { readonly type: "leased"; readonly now: number }
  | { readonly type: "succeeded"; readonly now: number; readonly began: number }
  /** The outcome says nothing about the proxy. */
  | { readonly type: "ignored"; readonly now: number; readonly began: number }
  /** The proxy may be at fault: adds a point. */
  | (Trouble & { readonly type: "failed" })
  /** The proxy is at fault. */
  | (Trouble & { readonly type: "refused" })
  /** Too many requests. `until` is the instant at which the proxy may be used again, if it was named. */
  | (Trouble & { readonly type: "throttled"; readonly until: number | undefined });

interface Trouble {
  readonly now: number;
  readonly began: number;
  readonly reason: string;
  readonly random: number;
}

/** Health without any history. */
export const blankHealth: Health = { at: "available", cooldowns: 0, score: 0, asOf: 0 };

/** Returns whether a request may use the proxy. */
export function isAvailable(health: Health, now: number): boolean {
  return health.at === "available" || now >= health.until;
}

/** Returns whether enough consecutive cooldowns failed to help, so that only occasional probes are worthwhile. */
export function isRetired(rule: HealthRule, health: Health): boolean {
  return health.at !== "available" && health.cooldowns >= rule.retireAfter;
}

/** Returns whether the health has no history and can be forgotten. */
export function isBlank(health: Health): boolean {
  return health.at === "available" && health.score === 0 && health.cooldowns === 0;
}

/** Returns the health after an input. This is the complete rule, without clock, chance or pool. */
export function nextHealth(rule: HealthRule, health: Health, input: HealthInput): Health {
  if (input.type === "leased") return startProbe(rule, health, input.now);
  // A request that began before the cooldown says nothing new, unless it names a later instant.
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

/** Returns the current score, which halves with time. */
export function currentScore({ halfLife }: HealthRule, health: Health, now: number): number {
  return health.at === "available" ? health.score * 0.5 ** ((now - health.asOf) / halfLife) : 0;
}

/**
 * Returns the length of the next cooldown: twice the one before, or the longest one if it retires the proxy, plus up to half
 * at random.
 */
export function cooldownFor(
  { cooldown, maxCooldown, retireAfter }: HealthRule,
  cooldowns: number,
  random: number,
): number {
  const retires = cooldowns + 1 >= retireAfter;
  return (retires ? maxCooldown : Math.min(maxCooldown, cooldown * 2 ** cooldowns)) * (1 + random / 2);
}

/** Returns the health without the latest point or cooldown, because the proxy was not at fault. */
export function clearBlame(rule: HealthRule, health: Health, now: number): Health {
  const cooldowns = Math.max(0, health.cooldowns - Number(health.at !== "available"));
  return { at: "available", cooldowns, score: Math.max(0, currentScore(rule, health, now) - 1), asOf: now };
}

function startProbe(rule: HealthRule, health: Health, now: number): Health {
  if (health.at === "available" || now < health.until) return health;
  return { ...health, at: "probing", since: now, until: now + rule.probe };
}

function recordSuccess(rule: HealthRule, health: Health, now: number): Health {
  if (isBlank(health)) return health;
  const score = Math.max(0, currentScore(rule, health, now) - rule.reward);
  return { at: "available", cooldowns: Math.max(0, health.cooldowns - 1), score, asOf: now };
}

function recordFailure(rule: HealthRule, health: Health, input: Trouble): Health {
  const score = currentScore(rule, health, input.now) + 1;
  const bearable = health.at === "available" && score < rule.limit;
  return bearable ? { ...health, score, asOf: input.now } : coolDown(rule, health, input);
}

function coolDown(rule: HealthRule, { cooldowns }: Health, { now, reason, random }: Trouble): CoolingDown {
  const until = now + cooldownFor(rule, cooldowns, random);
  return { at: "cooling-down", cooldowns: cooldowns + 1, until, since: now, reason, throttled: false };
}

/** Applies the requested pause. Without one, cooldowns grow, but throttling never retires a proxy. */
function recordThrottle(
  rule: HealthRule,
  health: Health,
  input: Trouble & { readonly until: number | undefined },
): CoolingDown {
  const { now, until, reason } = input;
  const pause = { at: "cooling-down", since: now, reason, throttled: true } as const;
  if (until !== undefined) return { ...pause, cooldowns: health.cooldowns, until: Math.max(now, until) };
  const paused = coolDown({ ...rule, retireAfter: Infinity }, health, input);
  return { ...paused, ...pause, cooldowns: Math.min(paused.cooldowns, Math.max(1, rule.retireAfter - 1)) };
}

function extendCooldown(health: CoolingDown, until = 0): Health {
  return until > health.until && health.at === "cooling-down" ? { ...health, until } : health;
}
