import type { Head } from "../replies/head.ts";
import type {
  Afterwards,
  Reply,
  Chunk,
  Ending,
  LastChunk,
  Http2Step,
  Repeat,
  Send,
  Step,
} from "../replies/steps.ts";
import { toBuffer } from "../replies/steps.ts";

/** Undefined if the step is done, or a promise that resolves when it is. */
export type MaybePromise = Promise<void> | undefined;

/** A connection or stream on which steps are played. */
export interface Wire {
  /** Whether the connection or stream has ended, so that no further step is possible. */
  readonly over: boolean;
  /** Whether bodies are left out, because the request was a HEAD and its head was sent. */
  readonly muted: boolean;
  head(head: Head): MaybePromise;
  send(bytes: Buffer): MaybePromise;
  chunk(step: Chunk | LastChunk): MaybePromise;
  sleep(duration: number): Promise<void>;
  end(ending: Ending): Promise<void>;
  read(amount: number): Promise<void>;
  peek(): Promise<void>;
  tunnel(to: { readonly host: string; readonly port: number }): Promise<void>;
  arm(afterwards: Afterwards): void;
  frame(step: Http2Step): MaybePromise;
}

/** Plays the steps in order until they are done or the wire has ended. */
export async function play(reply: Reply, wire: Wire): Promise<void> {
  for (const step of reply) {
    if (wire.over) return;
    const flow = perform(step, wire);
    if (flow) await flow;
  }
}

function perform(step: Step, wire: Wire): MaybePromise {
  if ("head" in step) return wire.head(step.head);
  if ("send" in step || "chunk" in step || "lastChunk" in step || "repeat" in step) {
    return wire.muted ? undefined : performBody(step, wire);
  }
  if ("wait" in step) return wire.sleep(step.wait);
  if ("end" in step) return wire.end(step.end);
  return performRare(step, wire);
}

type BodyStep = Send | Repeat | Chunk | LastChunk;

function performBody(step: BodyStep, wire: Wire): MaybePromise {
  if ("send" in step) return send(step, wire);
  return "repeat" in step ? repeat(step, wire) : wire.chunk(step);
}

function performRare(step: Exclude<Step, BodyStep | { end: Ending }>, wire: Wire): MaybePromise {
  if ("read" in step) return wire.read(step.read === "all" ? Infinity : step.read);
  if ("peek" in step) return wire.peek();
  if ("tunnel" in step) return wire.tunnel(step.tunnel);
  if (isHttp2Step(step)) return wire.frame(step);
  if ("whenIdle" in step || "whenNextByte" in step || "whenNextRequest" in step) wire.arm(step);
  return undefined;
}

function isHttp2Step(step: Step): step is Http2Step {
  return "resetStream" in step || "goaway" in step || "frame" in step;
}

function send(step: Send, wire: Wire): MaybePromise {
  const bytes = toBuffer(step.send);
  const { by = Infinity, every = 0 } = step;
  return by >= bytes.length ? wire.send(bytes) : sendSlowly(bytes, { by, every }, wire);
}

async function sendSlowly(bytes: Buffer, pace: { by: number; every: number }, wire: Wire): Promise<void> {
  for (let at = 0; at < bytes.length && !wire.over; at += pace.by) {
    if (at > 0) await wire.sleep(pace.every);
    await wire.send(bytes.subarray(at, at + pace.by));
  }
}

async function repeat({ repeat, every = 0, times = Infinity }: Repeat, wire: Wire): Promise<void> {
  const bytes = toBuffer(repeat);
  for (let done = 0; done < times && !wire.over; done += 1) {
    await wire.send(bytes);
    if (every > 0) await wire.sleep(every);
  }
}
