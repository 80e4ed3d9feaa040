import { onAbort } from "../support/on-abort.ts";
import { startTimer } from "../clock/clock.ts";
import { enterScope, type Context } from "../core/context.ts";
import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { DeadlineExceededError } from "../core/errors.ts";
import { emitEvent, type Listener } from "../core/events.ts";
import { LazySignal, scopeWithSignal } from "../core/lazy-signal.ts";
import type { Policy, Task } from "../core/policy.ts";
import { trackFailures } from "./failure-tracker.ts";

export interface TimeoutPolicyOptions {
  /** Hears every event of every call. */
  readonly on?: Listener;
  /** Names the policy in events and explanations. @default "timeout" */
  readonly name?: string;
}

interface TimeoutRule {
  readonly limit: number;
  readonly name: string;
  readonly on: Listener | undefined;
}

/**
 * Ends a call that is not done within `limit`: its signal is aborted and the call rejects at once, also when the task
 * ignores the signal, with a DeadlineExceededError whose cause is the latest failure inside, where there was one.
 *
 * Outside a retry the limit holds for all attempts and waits together, inside for each attempt; `scope.deadline` tells
 * a retry inside not to begin a wait that cannot fit. It covers the task until that gives its value, not what the value
 * does later. The caller's abort ends the call at once too, with the caller's reason.
 *
 * @throws RangeError for a limit of 0.
 */
export function timeout(limit: Duration, { on, name = "timeout" }: TimeoutPolicyOptions = {}): Policy {
  const rule: TimeoutRule = { limit: toMs(limit), name, on };
  if (rule.limit === 0) throw new RangeError("timeout needs a limit of more than 0 ms");
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
    const own = new LazySignal();
    const failures = trackFailures(outer.on);
    const release = (): void => {
      stopTimer();
      stopListening();
    };
    const end = (reason: unknown): void => {
      release();
      reject(reason);
      own.abort(reason);
    };
    const expire = (): void => {
      const error = new DeadlineExceededError(rule.limit, failures.asCause());
      end(
        reportAndReturn(error, () =>
          emitEvent({ type: "timed-out", policy: rule.name, error }, rule.on, outer.on),
        ),
      );
    };
    const stopTimer = startTimer(clock, rule.limit, expire);
    const stopListening = onAbort(signal, end);
    const deadline = Math.min(outer.deadline, clock.now() + rule.limit);
    startTask(task, scopeWithSignal(outer, own, { deadline, on: failures.on })).then(
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

/** The error, or what a listener threw when it was told. */
function reportAndReturn(error: unknown, tell: () => void): unknown {
  try {
    tell();
    return error;
  } catch (thrown) {
    return thrown;
  }
}
