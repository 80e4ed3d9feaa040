/**
 * Returns an error for one more call that shared the work which failed. A call adds its attempts to its error, so that no two
 * calls may reject with the same object. The result has the class and the properties of the original.
 */
export function ownError(shared: unknown): unknown {
  return shared instanceof Error ? Object.create(shared) : shared;
}

/** Returns a promise with the result of shared work, for one more call that waits for it. */
export async function withOwnErrors<T>(shared: Promise<T>): Promise<T> {
  try {
    return await shared;
  } catch (error) {
    throw ownError(error);
  }
}
