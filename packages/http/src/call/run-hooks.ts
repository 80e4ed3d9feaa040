import type { Hooks } from "../telemetry/hooks.ts";
import type { HttpRequest } from "../model/request.ts";
import {
  isWaitEnded,
  isPromiseLike,
  waitWithinBounds,
  type CallerFunction,
  type CallBounds,
} from "./call-bounds.ts";

/** What bounds the wait for hooks. */
interface HookBounds extends CallerFunction {
  readonly bounds: CallBounds | undefined;
}

/**
 * Calls hooks one after another, each when the one before has settled.
 *
 * @throws what a hook throws; what ends the wait for one.
 */
export async function runHooks<H>(
  hooks: readonly H[],
  tell: (hook: H) => void | Promise<void>,
  { bounds, ...awaited }: HookBounds,
): Promise<void> {
  for (const hook of hooks) {
    const told = tell(hook);
    if (isPromiseLike(told)) await waitWithinBounds(told, bounds, awaited);
  }
}

/** Who is to hear of the error that ends a call. */
export interface ErrorHooks {
  readonly hooks: Hooks["error"];
  readonly request: HttpRequest;
  readonly bounds: CallBounds | undefined;
}

/**
 * Tells the hooks, one after another, of the error that ends a call. Where the call may not last any longer, a hook that has
 * not settled is not waited for.
 *
 * @throws what a hook throws.
 */
export async function runErrorHooks({ hooks, request, bounds }: ErrorHooks, error: unknown): Promise<void> {
  for (const hook of hooks) {
    const told = hook(error, request);
    if (!isPromiseLike(told)) continue;
    await waitWithinBounds(told, bounds, { name: "an error hook" }).catch((thrown: unknown) => {
      if (!isWaitEnded(thrown, bounds)) throw thrown;
    });
  }
}
