/** Calls `run` with the signal's reason when the signal aborts. Returns a function that removes the listener. */
export function onAbort(signal: AbortSignal | undefined, run: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => undefined;
  const abort = (): void => run(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}
