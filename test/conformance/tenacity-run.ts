import {
  retry,
  RetryError,
  type Attempt,
  type Clock,
  type Context,
  type PolicyEvent,
  type RetryOptions,
} from "@holdfast/policy";
import type { Adapter, Meta } from "./adapter.ts";
import { difference } from "./compare.ts";
import { describeError, errorOf, exceptionClasses, type Exceptions, type Thrown } from "./tenacity-errors.ts";
import { stopOf, waitOf, type SignalAt, type Tree } from "./tenacity-tree.ts";
import { whenOf, type WhenTree } from "./tenacity-when.ts";

interface Step {
  readonly value?: unknown;
  readonly throw?: Thrown;
  readonly takes?: number;
}

interface PolicyTree {
  readonly stop?: Tree;
  readonly wait?: Tree;
  readonly retry?: WhenTree;
  readonly reraise?: boolean;
  readonly enabled?: boolean;
  readonly retry_error_callback?: keyof typeof retryErrorCallbacks;
}

type Mode = keyof typeof modes;

interface Expected extends Readonly<Record<string, unknown>> {
  readonly calls: number;
  readonly trace: readonly (readonly unknown[])[];
}

export interface RunVector {
  readonly mode: Mode;
  readonly policy: PolicyTree;
  readonly script: readonly Step[];
  readonly expect: Expected;
}

type Options = RetryOptions & { readonly context: Context };
type Task = () => unknown;

/** tenacity's retried calls: outcome, order of callbacks, sleeps, clock and statistics. */
export const tenacityRun: Adapter = {
  cases: async (vector, meta) => {
    const run = vector as unknown as RunVector;
    const found = difference(run.expect, await observe(run, meta));
    if (found !== undefined || !isCancelledCall(run)) return found;
    const aborted = difference(run.expect, await observe(run, meta, { abort: true }));
    return aborted === undefined ? undefined : `as the caller's abort: ${aborted}`;
  },
};

/**
 * A cancelled task that rethrows immediately corresponds to an abort by the caller. Such a case is played a second
 * time with a signal, and with a condition that would retry any error.
 */
function isCancelledCall({ expect }: RunVector): boolean {
  const { type } = (expect["exception"] ?? {}) as Partial<Thrown>;
  return type === "Cancelled" && expect.trace.at(-1)?.[0] === "call";
}

/** Runs a case, and returns the observations under the names of `expect`. */
export async function observe(
  vector: RunVector,
  meta: Meta,
  { abort = false } = {},
): Promise<Record<string, unknown>> {
  const world = new World(vector, exceptionClasses(meta), abort);
  const outcome = await modes[vector.mode](world.options(), world.call).then(
    (value) => ({ outcome: "value", value }),
    (error: unknown) => thrown(error),
  );
  const observed = { ...outcome, ...world.record() };
  const expected = Object.keys(vector.expect);
  return Object.fromEntries(
    Object.entries(observed).filter(([key]) => isOutcome(key) || expected.includes(key)),
  );
}

// Statistics are missing from some cases. An outcome must have no field that the reference does not have.
function isOutcome(key: string): boolean {
  return !key.startsWith("statistics");
}

function thrown(error: unknown): Record<string, unknown> {
  if (!(error instanceof RetryError)) return { outcome: "raised", exception: describeError(error) };
  const { last } = error;
  const failed = last?.outcome.ok === false;
  const outcome =
    last?.outcome.ok === true
      ? { value: last.outcome.value }
      : { exception: describeError(last?.outcome.error) };
  return {
    outcome: "retry_error",
    last_attempt: { attempt_number: last?.number, failed, ...outcome },
    ...(failed ? { cause: describeError(error.cause) } : {}),
  };
}

const modes = {
  call: async (options: Options, task: Task) => retry(options).execute(task, options.context),
  async: async (options: Options, task: Task) => retry(options)(async () => task())(),
  decorator: async (options: Options, task: Task) => {
    class Service {
      readonly task = task;
      async method(): Promise<unknown> {
        return this.task();
      }
    }
    const context = { kind: "method", name: "method" } as ClassMethodDecoratorContext;
    return retry(options)(Service.prototype.method, context).call(new Service());
  },
  iterate: (options: Options, task: Task) => iterate(options, task, () => null),
  iterate_set_result: (options: Options, task: Task) => iterate(options, task, (value) => value),
};

async function iterate(options: Options, task: Task, judged: (value: unknown) => unknown): Promise<unknown> {
  let last: unknown = null;
  for await (const attempt of retry(options).attempts(options.context)) {
    last = null;
    await attempt.run(() => {
      last = task();
      return judged(last);
    });
  }
  return last;
}

const retryErrorCallbacks = {
  constant: () => "fallback",
  attempts: ({ number }: Attempt) => number,
  outcome: ({ outcome }: Attempt) => {
    if (outcome.ok) return outcome.value;
    throw outcome.error;
  },
};

/** A running case: its clock, which only tasks and sleeps move, and all observations. */
class World {
  readonly #vector: RunVector;
  readonly #exceptions: Exceptions;
  readonly #abort: boolean;
  readonly #caller = new AbortController();
  readonly #events: { readonly call: number; readonly controller: AbortController }[] = [];
  readonly #trace: unknown[] = [];
  readonly #sleeps: number[] = [];
  readonly #statistics = { attempt_number: 0, idle_for: 0, delay_since_first_attempt: 0 };
  #now = 0;
  #calls = 0;

  constructor(vector: RunVector, exceptions: Exceptions, abort: boolean) {
    this.#vector = vector;
    this.#exceptions = exceptions;
    this.#abort = abort;
  }

  /** Runs the next step of the scripted function. */
  readonly call: Task = () => {
    this.#calls += 1;
    this.#trace.push(["call", this.#calls]);
    for (const { call, controller } of this.#events) if (call === this.#calls) controller.abort();
    const { script } = this.#vector;
    const step = script[Math.min(this.#calls, script.length) - 1];
    this.#now += (step?.takes ?? 0) * 1_000;
    if (step?.throw === undefined) return step?.value;
    const error = errorOf(step.throw, this.#exceptions);
    if (this.#abort && this.#calls === this.#vector.expect.calls) this.#caller.abort(error);
    throw error;
  };

  /** The policy of the case; missing options have tenacity's defaults, not ours. */
  options(): Options {
    const { stop, wait, retry: when, retry_error_callback: callback, ...flags } = this.#vector.policy;
    const fallback = callback === undefined ? undefined : retryErrorCallbacks[callback];
    return {
      reraise: false,
      ...flags,
      stop: stopOf(stop ?? { op: "stop_never" }, this.#signalAt),
      wait: waitOf(wait ?? { op: "wait_none" }),
      when: whenOf(this.#abort && when === undefined ? anyError : (when ?? anyException), this.#exceptions),
      before: this.#begin,
      after: (attempt) => void this.#trace.push(["after", attempt.number, ended(attempt)]),
      beforeSleep: (attempt, delay) =>
        void this.#trace.push(["before_sleep", attempt.number, ended(attempt), delay / 1_000]),
      ...(fallback === undefined ? {} : { retryErrorCallback: this.#tracing(fallback) }),
      on: this.#hear,
      context: { clock: this.#clock, signal: this.#caller.signal },
    };
  }

  /** All observations, under the names in the vectors. */
  record(): Record<string, unknown> {
    return {
      calls: this.#calls,
      sleeps: this.#sleeps,
      trace: this.#trace,
      elapsed: this.#now / 1_000,
      idle_for: this.#statistics.idle_for,
      statistics: this.#statistics,
      // A decorated function without a retry has no statistics.
      statistics_on_function: this.#statistics.attempt_number === 0 ? {} : this.#statistics,
    };
  }

  readonly #begin = (number: number): void => {
    // An error of a callback ends the call, so that an endless case does not block the run.
    if (number > mostCalls) throw new Error(`still going after ${mostCalls} calls`);
    this.#trace.push(["before", number]);
  };

  readonly #signalAt: SignalAt = (call) => {
    const controller = new AbortController();
    this.#events.push({ call, controller });
    return controller.signal;
  };

  readonly #tracing =
    (fallback: (attempt: Attempt) => unknown) =>
    (attempt: Attempt): unknown => {
      this.#trace.push(["retry_error_callback", attempt.number, ended(attempt)]);
      return fallback(attempt);
    };

  /** tenacity sleeps for 0 seconds too, and we don't: the event reports a retry after 0 seconds. */
  readonly #hear = (event: PolicyEvent): void => {
    if (event.type === "attempt") {
      this.#statistics.attempt_number = event.attempt.number;
      if (event.again) this.#statistics.delay_since_first_attempt = event.attempt.elapsed / 1_000;
    }
    if (event.type === "retry") {
      this.#statistics.idle_for = (event.attempt.idleFor + event.delay) / 1_000;
      if (event.delay === 0) this.#slept(0);
    }
  };

  readonly #clock: Clock = {
    now: () => this.#now,
    date: () => this.#now,
    sleep: async (delay) => {
      if (delay > 0) this.#slept(delay);
    },
  };

  #slept(delay: number): void {
    this.#now += delay;
    this.#sleeps.push(delay / 1_000);
    this.#trace.push(["sleep", delay / 1_000]);
  }
}

const mostCalls = 1_000;
const anyException: WhenTree = { op: "retry_if_exception_type" };
const anyError: WhenTree = { op: "retry_if_exception_type", types: ["BaseException"] };

function ended({ outcome }: Attempt): string {
  return outcome.ok ? "returned" : "failed";
}
