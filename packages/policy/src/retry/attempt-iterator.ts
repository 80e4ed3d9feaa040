import type { Context } from "../core/context.ts";
import type { Policy } from "../core/policy.ts";

/** One attempt of `for await (const attempt of policy.attempts())`. */
export interface AttemptRun<in R = unknown> {
  /** 1 for the first attempt. */
  readonly number: number;
  /**
   * Runs the work as this attempt and returns its value. Returns undefined when the work failed: then the iteration
   * continues with another attempt, or throws.
   */
  run<T extends R>(work: () => T | PromiseLike<T>): Promise<T | undefined>;
}

interface OfferedAttempt<R> {
  readonly attempt: AttemptRun<R>;
  /** Ends an attempt after a loop body that did not call `run`, with the value undefined. */
  readonly leave: () => void;
}

/** Yields the attempts of a policy. The policy's task waits for the body of the caller's `for await`. */
export async function* iterateAttempts<R>(
  policy: Policy<R>,
  context?: Context,
): AsyncGenerator<AttemptRun<R>, void> {
  let offer: (next: OfferedAttempt<R> | undefined) => void;
  let offered = new Promise<OfferedAttempt<R> | undefined>((resolve) => (offer = resolve));
  const ended = policy
    .execute(
      (scope) => new Promise<R>((resolve, reject) => offer(offerAttempt(scope.attempt, resolve, reject))),
      context,
    )
    .finally(() => offer(undefined));
  // If the caller breaks out of the loop, nothing handles this rejection.
  ended.catch(() => undefined);
  for (;;) {
    const next = await offered;
    if (next === undefined) break;
    offered = new Promise((resolve) => (offer = resolve));
    yield next.attempt;
    next.leave();
  }
  await ended;
}

function offerAttempt<R>(
  number: number,
  resolve: (value: R) => void,
  reject: (error: unknown) => void,
): OfferedAttempt<R> {
  let started = false;
  const run = async <T extends R>(work: () => T | PromiseLike<T>): Promise<T | undefined> => {
    started = true;
    try {
      const value = await work();
      resolve(value);
      return value;
    } catch (error) {
      reject(error);
      return undefined;
    }
  };
  const leave = (): void => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a loop body without a value has the value undefined
    if (!started) resolve(undefined as R);
  };
  return { attempt: { number, run }, leave };
}
