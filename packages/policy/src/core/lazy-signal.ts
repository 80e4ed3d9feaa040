import type { Scope } from "./context.ts";

/** An abort signal that is built when it is first read: most tasks never look at theirs. */
export class LazySignal {
  #controller: AbortController | undefined;
  #ended: { readonly reason: unknown } | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason);
    }
    return this.#controller.signal;
  }

  /** Aborts the signal with the reason, also where it has not been read yet. */
  abort(reason: unknown): void {
    this.#ended ??= { reason };
    this.#controller?.abort(reason);
  }
}

/** The same scope with a signal of its own, and with what else is changed. */
export function scopeWithSignal(
  scope: Scope,
  own: LazySignal,
  changes: { readonly deadline?: number; readonly on?: Scope["on"] } = {},
): Scope {
  const { clock, random, attempt } = scope;
  return {
    // An own property, so that a scope that is spread into another keeps its signal.
    get signal() {
      return own.signal;
    },
    clock,
    random,
    deadline: changes.deadline ?? scope.deadline,
    on: "on" in changes ? changes.on : scope.on,
    attempt,
  };
}
