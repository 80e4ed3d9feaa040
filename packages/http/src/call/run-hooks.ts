import type { Hooks } from "../telemetry/hooks.ts";
import type { HttpRequest } from "../model/request.ts";
import { endedBy, isPending, outwait, type Awaited, type CallBounds } from "./bounded-wait.ts";

/** What bounds the wait for hooks. */
interface HookBounds extends Awaited {
  readonly bounds: CallBounds | undefined;
}

/**
 * Calls hooks one after another, each when the one before has settled.
 *
 * @throws what a hook throws; what ends the wait for one.
 */
export async function tellHooks<H>(
  hooks: readonly H[],
  tell: (hook: H) => void | Promise<void>,
  { bounds, ...awaited }: HookBounds,
): Promise<void> {
  for (const hook of hooks) {
    const told = tell(hook);
    if (isPending(told)) await outwait(told, bounds, awaited);
  }
}

/** Who is to hear of the error that ends a call. */
export interface ErrorAudience {
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
export async function tellError({ hooks, request, bounds }: ErrorAudience, error: unknown): Promise<void> {
  for (const hook of hooks) {
    const told = hook(error, request);
    if (!isPending(told)) continue;
    await outwait(told, bounds, { what: "an error hook" }).catch((thrown: unknown) => {
      if (!endedBy(thrown, bounds)) throw thrown;
    });
  }
}
