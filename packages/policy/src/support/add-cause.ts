/** Gives an error a cause, unless it has one. */
export function addCause(error: unknown, cause: unknown): void {
  if (
    !(error instanceof Error) ||
    error === cause ||
    error.cause !== undefined ||
    !Object.isExtensible(error)
  )
    return;
  Object.defineProperty(error, "cause", { value: cause, configurable: true, writable: true });
}
