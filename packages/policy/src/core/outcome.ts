/** What one attempt came to: a value, or an error. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

/** The outcome of a task that returned. */
export function succeeded<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** The outcome of a task that threw. */
export function failed(error: unknown): Outcome<never> {
  return { ok: false, error };
}

/** Gives the value, or throws the error as it is. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw outcome.error;
}

/** Runs something and gives what it came to; never rejects. */
export async function captureOutcome<T>(run: () => T | PromiseLike<T>): Promise<Outcome<T>> {
  try {
    return succeeded(await run());
  } catch (error) {
    return failed(error);
  }
}
