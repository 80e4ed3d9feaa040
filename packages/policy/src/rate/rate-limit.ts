import { checkOptions, type OptionTypes } from "../support/check-options.ts";
import { enterScope, type Context, type Scope } from "../core/context.ts";
import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { RateLimitedError } from "../core/errors.ts";
import { emitEvent, type Listener } from "../core/events.ts";
import type { Policy, Task } from "../core/policy.ts";
import { releaseTurn, reserveTurn, type Rate, type Turn } from "./gcra.ts";

/** The options of `rateLimit`. */
export interface RateLimitOptions {
  /** Number of calls per `per`. */
  readonly limit: number;
  /** The period of `limit`. */
  readonly per: Duration;
  /** How many calls may start at the same time after a pause. 1 spaces all calls evenly. @default 1 */
  readonly burst?: number;
  /** Longest wait of a call. @default Infinity */
  readonly maxWait?: Duration;
  /** Receives every event. */
  readonly on?: Listener;
  /** Name of the policy in events and explanations. @default "rateLimit" */
  readonly name?: string;
}

const optionTypes = {
  limit: "number",
  per: "any",
  burst: "number",
  maxWait: "any",
  on: "function",
  name: "string",
} satisfies OptionTypes<RateLimitOptions>;

/**
 * Creates a rate limit: it starts at most `limit` calls per `per` on average. A call that comes too early waits, first
 * come, first served. If the wait would exceed `maxWait` or the deadline, the call rejects immediately with a
 * RateLimitedError and uses up no turn. A call that is aborted while it waits releases its turn, unless another call
 * came after it. Share one instance between all callers of the same service.
 *
 * @throws RangeError for a `limit` or `per` of 0, or a `burst` below 1.
 */
export function rateLimit(options: RateLimitOptions): Policy {
  checkOptions("rateLimit", options, optionTypes);
  const { limit, per, burst = 1, maxWait = Infinity, on, name = "rateLimit" } = options;
  const interval = toMs(per) / limit;
  if (!(limit > 0 && interval > 0 && interval < Infinity))
    throw new RangeError(`rateLimit needs limit > 0 and per > 0, got ${limit} and ${per}`);
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
    if (delay > this.#rule.maxWait || turn.startsAt >= scope.deadline) throw this.#reject(delay, scope);
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

  #reject(delay: number, scope: Scope): RateLimitedError {
    const error = new RateLimitedError(delay, scope.clock.date() + delay);
    emitEvent({ type: "rejected", policy: this.#rule.name, error }, this.#rule.on, scope.on);
    return error;
  }
}
