import { HoldfastError } from "@holdfast/policy";

/** What had come of an answer whose body broke off: its head, and the bytes as sent. */
export interface PartialBody {
  readonly url: string;
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly chunks: readonly Uint8Array[];
}

// Beside the errors, not in them: an error that somebody keeps or logs must not drag megabytes along by a property.
const bodies = new WeakMap<object, PartialBody>();

/** Leaves with an error of ours what had come before it; what the caller throws is not burdened. */
export function attachPartialBody(error: unknown, body: PartialBody): void {
  if (error instanceof HoldfastError) bodies.set(error, body);
}

/** Takes what had come of a body before this error ended it, where it was kept; the error can be kept without it. */
export function takePartialBody(error: unknown): PartialBody | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const body = bodies.get(error);
  bodies.delete(error);
  return body;
}
