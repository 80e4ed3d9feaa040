import type { Scope } from "./context.ts";

/** An abort signal that is built when it is first read, because most tasks never read theirs. */
export class LazySignal {
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  /** Aborts the signal with the reason, also when nothing has read it yet. */
  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }
}

/** Returns a copy of the scope with another signal, and with the changes. */
export function scopeWithSignal(
  scope: Scope,
  lazySignal: LazySignal,
  changes: { readonly deadline?: number; readonly on?: Scope["on"] } = {},
): Scope {
  const { clock, random, attempt } = scope;
  return {
    // A property of the object itself, so that a spread copy of the scope keeps the signal.
    get signal() {
      return lazySignal.signal;
    },
    clock,
    random,
    deadline: changes.deadline ?? scope.deadline,
    on: "on" in changes ? changes.on : scope.on,
    attempt,
  };
}
