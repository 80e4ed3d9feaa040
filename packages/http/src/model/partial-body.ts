import { HoldfastError } from "@holdfast/policy";

/** The received part of an incomplete response: its head, and the bytes before decoding. */
export interface PartialBody {
  readonly url: string;
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly chunks: readonly Uint8Array[];
}

// A WeakMap instead of a property, so that logging or keeping an error does not keep megabytes.
const bodies = new WeakMap<object, PartialBody>();

/** Attaches the received part of a body to a HoldfastError. Other errors are left alone. */
export function attachPartialBody(error: unknown, body: PartialBody): void {
  if (error instanceof HoldfastError) bodies.set(error, body);
}

/** Removes and returns the part of a body that was received before this error, if it was attached. */
export function takePartialBody(error: unknown): PartialBody | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const body = bodies.get(error);
  bodies.delete(error);
  return body;
}
