/** The outcome of one attempt: a value or an error. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

/** Creates the outcome of a task that returned. */
export function succeeded<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** Creates the outcome of a task that threw. */
export function failed(error: unknown): Outcome<never> {
  return { ok: false, error };
}

/** Returns the value, or throws the error unchanged. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw outcome.error;
}

/** Runs a function and returns its outcome. Never rejects. */
export async function captureOutcome<T>(run: () => T | PromiseLike<T>): Promise<Outcome<T>> {
  try {
    return succeeded(await run());
  } catch (error) {
    return failed(error);
  }
}
