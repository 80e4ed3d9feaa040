import type { Clock } from "@holdfast/policy";
import type { BodySource } from "../model/body-source.ts";
import { isContentType } from "../model/headers.ts";
import { StreamedResponse, releaseBodySource } from "../model/streamed-response.ts";
import { onAbort } from "../support/bounded-wait.ts";
import { addPiece } from "../support/pieces.ts";
import { startLimit } from "../support/limit-timer.ts";

/** The limits of the wait for the body of an error. */
export interface PreviewBounds {
  readonly clock: Clock;
  /** Milliseconds, at most one second. */
  readonly limit: number;
  /** Aborted when the response is no longer wanted. */
  readonly signal: AbortSignal | undefined;
  /** Aborted when the call no longer waits, but the response is wanted. */
  readonly drain: AbortSignal | undefined;
}

// An explanation is short. A longer body is content.
const maxPreviewBytes = 65_536;
// It arrives with the head or soon after. The caller of a stream wants the head without delay.
const maxPreviewTime = 1_000;

/**
 * Reads the body of a streamed error response in advance if it is short JSON or XML, so that dialects can read it. The body
 * of the returned response still has all bytes, and the error if it was not complete.
 *
 * @throws the reason of `signal`.
 */
export async function previewError(
  response: StreamedResponse,
  bounds: PreviewBounds,
): Promise<StreamedResponse> {
  if (!isShortError(response)) return response;
  const { status, statusText, url, headers } = response;
  const body = new PreviewedBody(releaseBodySource(response));
  const preview = await previewWithin(body, bounds);
  return new StreamedResponse({ status, statusText, url, headers: headers.toJSON(), body, preview });
}

function isShortError({ status, headers }: StreamedResponse): boolean {
  if (status < 400 || !isContentType(headers.get("content-type"), /\b(?:json|xml)\b/i)) return false;
  return Number(headers.get("content-length") ?? 0) <= maxPreviewBytes;
}

async function previewWithin(
  body: PreviewedBody,
  { clock, limit, signal, drain }: PreviewBounds,
): Promise<Uint8Array | undefined> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const stopTimer = startLimit({ clock, limit: Math.min(limit, maxPreviewTime) }, end);
  const signals = [signal, drain];
  const stopListening = onAbort(signals, end);
  if (signals.some((each) => each?.aborted === true)) end();
  const preview = await body.preview(ended.signal);
  stopTimer();
  stopListening();
  if (signal?.aborted !== true) return preview;
  body.cancel(signal.reason);
  throw signal.reason;
}

/** A body with a beginning that was read in advance. `read` returns it again. */
class PreviewedBody implements BodySource {
  readonly #source: BodySource;
  readonly #pieces: Uint8Array[] = [];
  /** The read that has started and was not returned yet. */
  #next: Promise<Uint8Array | undefined> | undefined;
  /** Whether all pieces were read in advance. */
  #isComplete = false;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Returns the body if it is short, complete, and arrives before the signal is aborted. */
  async preview(signal: AbortSignal): Promise<Uint8Array | undefined> {
    const stopped = new Promise<"stopped">((resolve) => {
      if (signal.aborted) resolve("stopped");
      signal.addEventListener("abort", () => resolve("stopped"), { once: true });
    });
    for (let length = 0; length <= maxPreviewBytes;) {
      const next = (this.#next ??= this.#source.read());
      // The reader of the body gets the error.
      const piece = await Promise.race([next, stopped]).catch(() => "stopped" as const);
      if (piece === "stopped") return undefined;
      if (piece === undefined) {
        this.#isComplete = true;
        return Buffer.concat(this.#pieces);
      }
      addPiece(this.#pieces, piece);
      length += piece.length;
      this.#next = undefined;
    }
    return undefined;
  }

  takeArrived(): Uint8Array | null | undefined {
    return this.#pieces.shift() ?? (this.#isComplete ? null : undefined);
  }

  read(): Promise<Uint8Array | undefined> {
    const piece = this.#pieces.shift();
    if (piece !== undefined) return Promise.resolve(piece);
    const next = this.#next ?? this.#source.read();
    this.#next = undefined;
    return next;
  }

  cancel(reason: unknown): void {
    this.#pieces.length = 0;
    this.#source.cancel(reason);
  }

  async drain(): Promise<void> {
    this.#pieces.length = 0;
    await (this.#source.drain?.() ?? this.#source.cancel(undefined));
  }
}
