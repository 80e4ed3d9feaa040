/** How health is judged; times are milliseconds. */
export interface HealthRule {
  /** The first rest; each one after it without a success between is twice as long. */
  readonly rest: number;
  readonly restMax: number;
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
  | { readonly at: "fit"; readonly rests: number; readonly score: number; readonly asOf: number }
  | Paused;

/** An address that rests until an instant, or that is tried by one request alone. */
export interface Paused {
  readonly at: "resting" | "probing";
  readonly rests: number;
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
export const fit: Health = { at: "fit", rests: 0, score: 0, asOf: 0 };

/** Whether the address may be given to a request. */
export function isFit(health: Health, now: number): boolean {
  return health.at === "fit" || now >= health.until;
}

/** Whether so many rests in a row were in vain that only a probe now and then is worth it. */
export function isRetired(rule: HealthRule, health: Health): boolean {
  return health.at !== "fit" && health.rests >= rule.retireAfter;
}

/** Whether the state says no more than `fit` does, and may be forgotten. */
export function isBlank(health: Health): boolean {
  return health.at === "fit" && health.score === 0 && health.rests === 0;
}

/** The health after what happened: the whole rule, without clock, chance or pool. */
export function next(rule: HealthRule, health: Health, input: HealthInput): Health {
  if (input.type === "leased") return leased(rule, health, input.now);
  // A request that was under way before the rest says nothing new, unless it names a later time to come back.
  if (health.at === "resting" || (health.at === "probing" && input.began < health.since))
    return input.type === "throttled" ? extended(health, input.until) : health;
  switch (input.type) {
    case "succeeded":
      return succeeded(rule, health, input.now);
    case "ignored":
      return health.at === "probing" ? { ...health, at: "resting", until: input.now } : health;
    case "failed":
      return failed(rule, health, input);
    case "refused":
      return rested(rule, health, input);
    case "throttled":
      return throttled(rule, health, input);
  }
}

/** The score as it stands now: it halves with time, so that old trouble is forgotten. */
export function scoreOf({ halfLife }: HealthRule, health: Health, now: number): number {
  return health.at === "fit" ? health.score * 0.5 ** ((now - health.asOf) / halfLife) : 0;
}

/**
 * How long the rest after `rests` others is: twice the one before, the longest where the address retires with it, and up
 * to half as long again by chance.
 */
export function restOf({ rest, restMax, retireAfter }: HealthRule, rests: number, random: number): number {
  const retires = rests + 1 >= retireAfter;
  return (retires ? restMax : Math.min(restMax, rest * 2 ** rests)) * (1 + random / 2);
}

/** The health of one that was held to blame for a point or a rest, and was not. */
export function acquitted(rule: HealthRule, health: Health, now: number): Health {
  const rests = Math.max(0, health.rests - Number(health.at !== "fit"));
  return { at: "fit", rests, score: Math.max(0, scoreOf(rule, health, now) - 1), asOf: now };
}

function leased(rule: HealthRule, health: Health, now: number): Health {
  if (health.at === "fit" || now < health.until) return health;
  return { ...health, at: "probing", since: now, until: now + rule.probe };
}

function succeeded(rule: HealthRule, health: Health, now: number): Health {
  if (isBlank(health)) return health;
  const score = Math.max(0, scoreOf(rule, health, now) - rule.reward);
  return { at: "fit", rests: Math.max(0, health.rests - 1), score, asOf: now };
}

function failed(rule: HealthRule, health: Health, input: Trouble): Health {
  const score = scoreOf(rule, health, input.now) + 1;
  const bearable = health.at === "fit" && score < rule.limit;
  return bearable ? { ...health, score, asOf: input.now } : rested(rule, health, input);
}

function rested(rule: HealthRule, { rests }: Health, { now, reason, random }: Trouble): Paused {
  const until = now + restOf(rule, rests, random);
  return { at: "resting", rests: rests + 1, until, since: now, reason, throttled: false };
}

/** Rests as long as was asked for; where nothing was, longer each time, but it is never retired for it. */
function throttled(
  rule: HealthRule,
  health: Health,
  input: Trouble & { readonly until: number | undefined },
): Paused {
  const { now, until, reason } = input;
  const asked = { at: "resting", since: now, reason, throttled: true } as const;
  if (until !== undefined) return { ...asked, rests: health.rests, until: Math.max(now, until) };
  const rest = rested({ ...rule, retireAfter: Infinity }, health, input);
  return { ...rest, ...asked, rests: Math.min(rest.rests, Math.max(1, rule.retireAfter - 1)) };
}

function extended(health: Paused, until = 0): Health {
  return until > health.until && health.at === "resting" ? { ...health, until } : health;
}
