import { checkOptions, type OptionTypes } from "../support/check-options.ts";
import { onAbort } from "../support/on-abort.ts";
import { startTimer } from "../clock/clock.ts";
import { enterScope, type Context } from "../core/context.ts";
import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { DeadlineExceededError } from "../core/errors.ts";
import { emitEvent, type Listener } from "../core/events.ts";
import { LazySignal, scopeWithSignal } from "../core/lazy-signal.ts";
import type { Policy, Task } from "../core/policy.ts";
import { trackFailures } from "./failure-tracker.ts";

/** The options of `timeout`. */
export interface TimeoutPolicyOptions {
  /** Receives every event of every call. */
  readonly on?: Listener;
  /** Name of the policy in events and explanations. @default "timeout" */
  readonly name?: string;
}

const optionTypes = { on: "function", name: "string" } satisfies OptionTypes<TimeoutPolicyOptions>;

interface TimeoutRule {
  readonly limit: number;
  readonly name: string;
  readonly on: Listener | undefined;
}

/**
 * Creates a time limit. When `limit` has passed, the signal of the task is aborted, and the call rejects immediately with a
 * DeadlineExceededError, also if the task ignores the signal. The `cause` is the latest failure inside the call.
 *
 * Around a retry, the limit covers all attempts and waits together; inside a retry, it covers each attempt. Because of
 * `scope.deadline`, a retry inside starts no wait that would exceed the limit. The limit ends when the task returns its
 * value. An abort by the caller also ends the call immediately, with the caller's reason.
 *
 * @throws RangeError for a `limit` of 0.
 */
export function timeout(limit: Duration, options: TimeoutPolicyOptions = {}): Policy {
  checkOptions("timeout", options, optionTypes);
  const { on, name = "timeout" } = options;
  const rule: TimeoutRule = { limit: toMs(limit), name, on };
  if (rule.limit === 0) throw new RangeError(`timeout needs a limit above 0, got ${limit}`);
  return {
    execute: (task, context) => execute(rule, task, context),
    explain: () => ({ policy: name, limit: formatMs(rule.limit) }),
    cloneForPlan: () => timeout(limit, { name }),
  };
}

function execute<T>(rule: TimeoutRule, task: Task<T>, context: Context | undefined): Promise<T> {
  const signal = context?.signal;
  if (signal?.aborted === true) return Promise.reject(signal.reason);
  const outer = enterScope(context);
  const { clock } = outer;
  return new Promise<T>((resolve, reject) => {
    const lazySignal = new LazySignal();
    const failures = trackFailures(outer.on);
    const release = (): void => {
      stopTimer();
      stopListening();
    };
    const end = (reason: unknown): void => {
      release();
      reject(reason);
      lazySignal.abort(reason);
    };
    const expire = (): void => {
      const error = new DeadlineExceededError(rule.limit, failures.asCause());
      end(
        emitAndReturn(error, () =>
          emitEvent({ type: "timed-out", policy: rule.name, error }, rule.on, outer.on),
        ),
      );
    };
    const stopTimer = startTimer(clock, rule.limit, expire);
    const stopListening = onAbort(signal, end);
    const deadline = Math.min(outer.deadline, clock.now() + rule.limit);
    startTask(task, scopeWithSignal(outer, lazySignal, { deadline, on: failures.on })).then(
      (value) => {
        release();
        resolve(value);
      },
      (error: unknown) => {
        release();
        reject(error);
      },
    );
  });
}

function startTask<T>(task: Task<T>, scope: Parameters<Task<T>>[0]): Promise<T> {
  try {
    return Promise.resolve(task(scope));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Calls `emit` and returns the error, or the error that a listener threw. */
function emitAndReturn(error: unknown, emit: () => void): unknown {
  try {
    emit();
    return error;
  } catch (thrown) {
    return thrown;
  }
}
