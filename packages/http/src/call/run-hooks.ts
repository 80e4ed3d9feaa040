import type { HttpRequest } from "../model/request.ts";
import type { Hooks } from "../telemetry/hooks.ts";
import {
  isPromiseLike,
  isWaitEnded,
  waitWithinBounds,
  type CallBounds,
  type CallerFunction,
} from "./call-bounds.ts";

/** The name of the hooks in error messages, and the limits of the wait for them. */
interface HookBounds extends CallerFunction {
  readonly bounds: CallBounds | undefined;
}

/**
 * Runs hooks one after another, each when the previous one has settled.
 *
 * @throws the error of a hook; the error that ended the wait for a hook.
 */
export async function runHooks<H>(
  hooks: readonly H[],
  run: (hook: H) => void | Promise<void>,
  { bounds, ...waitedFor }: HookBounds,
): Promise<void> {
  for (const hook of hooks) {
    const returned = run(hook);
    if (isPromiseLike(returned)) await waitWithinBounds(returned, bounds, waitedFor);
  }
}

/** The `error` hooks of a call. */
export interface ErrorHooks {
  readonly hooks: Hooks["error"];
  readonly request: HttpRequest;
  readonly bounds: CallBounds | undefined;
}

/**
 * Runs the `error` hooks, one after another, with the error that ends a call. A hook that is still running when the call
 * must end is abandoned.
 *
 * @throws the error of a hook.
 */
export async function runErrorHooks({ hooks, request, bounds }: ErrorHooks, error: unknown): Promise<void> {
  for (const hook of hooks) {
    const returned = hook(error, request);
    if (!isPromiseLike(returned)) continue;
    await waitWithinBounds(returned, bounds, { name: "an error hook" }).catch((thrown: unknown) => {
      if (!isWaitEnded(thrown, bounds)) throw thrown;
    });
  }
}
