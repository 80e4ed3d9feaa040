import asyncRetry from "async-retry";
import { ConstantBackoff, handleAll, retry as cockatielRetry } from "cockatiel";
import { Effect, Schedule } from "effect";
import { backOff } from "exponential-backoff";
import pRetry from "p-retry";
import { retry, stopAfterAttempt, waitFixed } from "@holdfast/policy";

/** Creates a function that runs the task with up to two retries, each after `delay` milliseconds. */
export type Contestant = (task: () => Promise<unknown>, delay: number) => () => Promise<unknown>;

/** The measured libraries. `bare` is the task without any. */
export const contestants: Readonly<Record<string, Contestant>> = {
  bare: (task) => task,
  holdfast: (task, delay) => {
    const policy = retry({ stop: stopAfterAttempt(3), wait: waitFixed(delay) });
    return () => policy.execute(task);
  },
  "holdfast (wrapped)": (task, delay) => retry({ stop: stopAfterAttempt(3), wait: waitFixed(delay) })(task),
  cockatiel: (task, delay) => {
    const policy = cockatielRetry(handleAll, { maxAttempts: 2, backoff: new ConstantBackoff(delay) });
    return () => policy.execute(task);
  },
  "p-retry": (task, delay) => () => pRetry(task, { retries: 2, minTimeout: delay, factor: 1 }),
  "async-retry": (task, delay) => () =>
    asyncRetry(task, { retries: 2, minTimeout: delay, factor: 1, randomize: false }),
  "exponential-backoff": (task, delay) => () =>
    backOff(task, { numOfAttempts: 3, startingDelay: delay, timeMultiple: 1, maxDelay: delay }),
  effect: (task, delay) => {
    const wait = delay === 0 ? { times: 2 } : { schedule: Schedule.spaced(delay), times: 2 };
    const program = Effect.retry(Effect.tryPromise(task), wait);
    return () => Effect.runPromise(program);
  },
};
