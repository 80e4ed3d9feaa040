import { releaseBodySource } from "../model/body-stream.ts";
import type { Clock } from "@holdfast/policy";
import { startTimer } from "@holdfast/policy/internal";
import type { BodySource } from "../model/body-source.ts";
import { StreamedResponse } from "../model/streamed-response.ts";

/** How long is waited for what a refusal says. */
export interface PreviewBounds {
  readonly clock: Clock;
  /** In milliseconds; a second at most. */
  readonly limit: number;
  /** Aborted when the answer is not wanted any longer. */
  readonly signal: AbortSignal | undefined;
  /** Aborted when nothing more is waited for, but the answer is wanted. */
  readonly drain: AbortSignal | undefined;
}

// An explanation is short; what is longer is content.
const maxPreviewBytes = 65_536;
// It comes with its head, or soon after: whoever asked for a stream wants the head as it comes.
const maxPreviewTime = 1_000;

/**
 * Looks at the body of a streamed refusal where it is JSON or XML and short, so that the dialects see what it says. Whoever
 * reads the body gets it all the same, and whatever kept it from being whole.
 *
 * @throws the reason of `signal`.
 */
export async function previewError(
  response: StreamedResponse,
  patience: PreviewBounds,
): Promise<StreamedResponse> {
  if (!isShortError(response)) return response;
  const { status, statusText, url, headers } = response;
  const body = new PreviewedBody(releaseBodySource(response.body));
  const preview = await previewWithin(body, patience);
  return new StreamedResponse({ status, statusText, url, headers: headers.toJSON(), body, preview });
}

function isShortError({ status, headers }: StreamedResponse): boolean {
  if (status < 400 || !/\b(?:json|xml)\b/i.test(headers.get("content-type") ?? "")) return false;
  return Number(headers.get("content-length") ?? 0) <= maxPreviewBytes;
}

async function previewWithin(
  body: PreviewedBody,
  { clock, limit, signal, drain }: PreviewBounds,
): Promise<Uint8Array | undefined> {
  const looked = new AbortController();
  const stop = (): void => looked.abort();
  const stopTimer = startTimer(clock, Math.min(limit, maxPreviewTime), stop);
  const signals = [signal, drain];
  for (const each of signals) each?.addEventListener("abort", stop, { once: true });
  if (signals.some((each) => each?.aborted === true)) stop();
  const seen = await body.preview(looked.signal);
  stopTimer();
  for (const each of signals) each?.removeEventListener("abort", stop);
  if (signal?.aborted !== true) return seen;
  body.cancel(signal.reason);
  throw signal.reason;
}

/** A body whose beginning was looked at: it is given all the same. */
class PreviewedBody implements BodySource {
  readonly #source: BodySource;
  readonly #pieces: Uint8Array[] = [];
  /** What was asked for, and not given yet. */
  #next: Promise<Uint8Array | undefined> | undefined;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Gives the body where it is short and whole, and comes before the signal is aborted. */
  async preview(signal: AbortSignal): Promise<Uint8Array | undefined> {
    const stopped = new Promise<"stopped">((resolve) => {
      if (signal.aborted) resolve("stopped");
      signal.addEventListener("abort", () => resolve("stopped"), { once: true });
    });
    for (let length = 0; length <= maxPreviewBytes; length += this.#pieces.at(-1)?.length ?? 0) {
      const next = (this.#next ??= this.#source.read());
      // What it throws is for whoever reads the body.
      const piece = await Promise.race([next, stopped]).catch(() => "stopped" as const);
      if (piece === "stopped") return undefined;
      if (piece === undefined) return Buffer.concat(this.#pieces);
      this.#pieces.push(piece);
      this.#next = undefined;
    }
    return undefined;
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
