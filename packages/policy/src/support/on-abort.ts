/** Calls `run` with the reason when the signal aborts, unless the function that it gives back is called before. */
export function onAbort(signal: AbortSignal | undefined, run: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => undefined;
  const abort = (): void => run(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}
