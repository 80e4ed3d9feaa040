import { DeadlineExceededError, type Clock } from "@holdfast/policy";
import { sleepWithTimer, startTimer } from "@holdfast/policy/internal";
import { AttemptTimeoutError, ReadTimeoutError } from "../errors/transport-errors.ts";
import { openBody, type Body } from "../model/body.ts";
import type { SendOptions } from "./adapter.ts";

/** Reads the body of a request, which uses up a stream. Returns undefined for a request without a body. */
export async function readRequestBody(body: Body): Promise<string | undefined> {
  const opened = openBody(body);
  if (opened === null || typeof opened === "string") return opened ?? undefined;
  if (opened instanceof Uint8Array) return new TextDecoder().decode(opened);
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened as AsyncIterable<Uint8Array | string>) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/** An attempt of an adapter without a network. */
export interface SimulatedAttempt {
  readonly clock: Clock;
  /** Host and port, for messages. */
  readonly target: string;
  readonly options: SendOptions;
}

/**
 * Waits as a server that takes `takes` milliseconds to respond, within the limits of the attempt.
 *
 * @throws DeadlineExceededError; ReadTimeoutError; AttemptTimeoutError; the reason of the signal.
 */
export async function passTime(
  takes: number,
  { clock, target, options: { timeouts, deadline, signal } }: SimulatedAttempt,
): Promise<void> {
  const left = deadline - clock.now();
  const limit = Math.min(timeouts.read, timeouts.attempt, left);
  const delay = Math.max(0, Math.min(takes, limit));
  // Not `clock.sleep`: a fake clock records sleeps as the waits between attempts.
  if (delay > 0) await sleepWithTimer((wait, run) => startTimer(clock, wait, run), delay, signal);
  if (takes <= limit) return;
  if (limit === left) throw new DeadlineExceededError(timeouts.total);
  if (limit === timeouts.read) throw new ReadTimeoutError(target, limit, "headers");
  throw new AttemptTimeoutError(target, limit, { phase: "headers", mayHaveArrived: true });
}
