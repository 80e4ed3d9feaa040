import type { Context } from "../core/context.ts";
import type { Policy } from "../core/policy.ts";

/** One attempt of an iteration: the place in which the caller's own code is tried. */
export interface AttemptRun<in R = unknown> {
  /** 1-based, the first included. */
  readonly number: number;
  /**
   * Runs the work as this attempt and gives its value; undefined when it failed, in which case the iteration decides:
   * it hands out another attempt, or throws.
   */
  run<T extends R>(work: () => T | PromiseLike<T>): Promise<T | undefined>;
}

interface OfferedAttempt<R> {
  readonly attempt: AttemptRun<R>;
  /** Ends an attempt whose body never called `run`, which gives undefined; one that runs ends when its work does. */
  readonly leave: () => void;
}

/** Turns a policy inside out: its task waits for the body of the caller's `for await`. */
export async function* iterateAttempts<R>(
  policy: Policy<R>,
  context?: Context,
): AsyncGenerator<AttemptRun<R>, void> {
  let offer: (handed: OfferedAttempt<R> | undefined) => void;
  let offered = new Promise<OfferedAttempt<R> | undefined>((resolve) => (offer = resolve));
  const ended = policy
    .execute(
      (scope) => new Promise<R>((resolve, reject) => offer(offerAttempt(scope.attempt, resolve, reject))),
      context,
    )
    .finally(() => offer(undefined));
  // Whoever breaks out of the iteration no longer hears how it ended.
  ended.catch(() => undefined);
  for (;;) {
    const handed = await offered;
    if (handed === undefined) break;
    offered = new Promise((resolve) => (offer = resolve));
    yield handed.attempt;
    handed.leave();
  }
  await ended;
}

function offerAttempt<R>(
  number: number,
  resolve: (value: R) => void,
  reject: (error: unknown) => void,
): OfferedAttempt<R> {
  let begun = false;
  const run = async <T extends R>(work: () => T | PromiseLike<T>): Promise<T | undefined> => {
    begun = true;
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
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a body that gave nothing gave undefined
    if (!begun) resolve(undefined as R);
  };
  return { attempt: { number, run }, leave };
}
