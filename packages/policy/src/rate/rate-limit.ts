import { enterScope, type Context, type Scope } from "../core/context.ts";
import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { RateLimitedError } from "../core/errors.ts";
import { emitEvent, type Listener } from "../core/events.ts";
import type { Policy, Task } from "../core/policy.ts";
import { releaseTurn, reserveTurn, type Rate, type Turn } from "./gcra.ts";

export interface RateLimitOptions {
  /** How many calls. */
  readonly limit: number;
  /** In how long. */
  readonly per: Duration;
  /** How many may start at once after a quiet time; 1 spaces all evenly. @default 1 */
  readonly burst?: number;
  /** The longest that a call waits for its turn. @default Infinity */
  readonly maxWait?: Duration;
  /** Hears every event. */
  readonly on?: Listener;
  /** Names the policy in events and explanations. @default "rateLimit" */
  readonly name?: string;
}

/**
 * Makes a rate limit: calls take turns, `limit` per `per` in the long run, and each waits until its own, first come
 * first served. A call whose turn would come after `maxWait` or the deadline rejects with a RateLimitedError at once and
 * takes none; one that is aborted while it waits gives its turn back if nobody came after it. Share one between all
 * callers of the same thing.
 *
 * @throws RangeError for a limit or time of 0, or a burst below 1.
 */
export function rateLimit(options: RateLimitOptions): Policy {
  const { limit, per, burst = 1, maxWait = Infinity, on, name = "rateLimit" } = options;
  const interval = toMs(per) / limit;
  if (!(limit > 0 && interval > 0 && interval < Infinity))
    throw new RangeError("rateLimit needs a limit and a time above 0");
  if (!(burst >= 1)) throw new RangeError(`rateLimit needs a burst of 1 or more, got ${burst}`);
  const limiter = new Limiter({ interval, burst }, { maxWait: toMs(maxWait), name, on });
  return {
    execute: (task, context) => limiter.execute(task, context),
    explain: () => ({
      policy: name,
      rate: `${limit} per ${formatMs(toMs(per))}`,
      burst,
      maxWait: formatMs(toMs(maxWait)),
    }),
    cloneForPlan: () => rateLimit({ limit, per, burst, maxWait, name }),
  };
}

interface LimiterRule {
  readonly maxWait: number;
  readonly name: string;
  readonly on: Listener | undefined;
}

class Limiter {
  readonly #rate: Rate;
  readonly #rule: LimiterRule;
  #arrival = -Infinity;

  constructor(rate: Rate, rule: LimiterRule) {
    this.#rate = rate;
    this.#rule = rule;
  }

  async execute<T>(task: Task<T>, context: Context | undefined): Promise<T> {
    const scope = enterScope(context);
    const now = scope.clock.now();
    const turn = reserveTurn(this.#rate, this.#arrival, now);
    const delay = turn.startsAt - now;
    if (delay > this.#rule.maxWait || turn.startsAt >= scope.deadline) throw this.#refusal(delay, scope);
    this.#arrival = turn.nextArrival;
    if (delay > 0) await this.#wait(turn, delay, scope);
    return task(scope);
  }

  async #wait(turn: Turn, delay: number, scope: Scope): Promise<void> {
    try {
      emitEvent({ type: "throttled", policy: this.#rule.name, delay }, this.#rule.on, scope.on);
      await scope.clock.sleep(delay, scope.signal);
    } catch (error) {
      this.#arrival = releaseTurn(this.#rate, this.#arrival, turn);
      throw error;
    }
  }

  #refusal(delay: number, scope: Scope): RateLimitedError {
    const error = new RateLimitedError(delay, scope.clock.date() + delay);
    emitEvent({ type: "rejected", policy: this.#rule.name, error }, this.#rule.on, scope.on);
    return error;
  }
}
