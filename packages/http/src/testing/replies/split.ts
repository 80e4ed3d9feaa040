import { chunkBytes } from "./chunk-bytes.ts";
import { headBytes } from "./head.ts";
import type { Reply, Bytes, Step } from "./steps.ts";
import { toBuffer } from "./steps.ts";

/** The position of a byte in a reply: from its first byte, from the first byte of its body, or from its end. */
export type Place = { readonly at: number } | { readonly atBody: number } | { readonly beforeEnd: number };

/** Returns the bytes that a step sends once over HTTP/1, or undefined if it sends none. */
export function wireBytes(step: Step): Buffer | undefined {
  if ("head" in step) return headBytes(step.head);
  if ("chunk" in step || "lastChunk" in step) return chunkBytes(step);
  return "send" in step ? toBuffer(step.send) : undefined;
}

function wireLength(reply: Reply): number {
  return reply.reduce((sum, step) => sum + (wireBytes(step)?.length ?? 0), 0);
}

/** Returns the offset of the body: after the last head, or after the empty line of raw bytes. */
function bodyStart(reply: Reply): number {
  const last = reply.findLastIndex((step) => "head" in step);
  if (last >= 0) return wireLength(reply.slice(0, last + 1));
  const whole = Buffer.concat(reply.flatMap((step) => wireBytes(step) ?? []));
  const end = whole.indexOf("\r\n\r\n");
  return end < 0 ? whole.length : end + 4;
}

/** Returns a place as an offset in bytes from the start of the reply. */
export function cutPoint(reply: Reply, place: Place): number {
  if ("at" in place) return place.at;
  return "atBody" in place ? bodyStart(reply) + place.atBody : wireLength(reply) - place.beforeEnd;
}

/** Splits a reply into its first `bytes` bytes and the remaining steps. */
export function split(reply: Reply, bytes: number): readonly [Reply, Reply] {
  const kept: Step[] = [];
  let left = bytes;
  for (const [index, step] of reply.entries()) {
    if (left === 0) return [kept, reply.slice(index)];
    const [before, after] = splitStep(step, left);
    kept.push(before);
    if (after) return [kept, [after, ...reply.slice(index + 1)]];
    left -= "repeat" in step ? repeatLength(step) : (wireBytes(step)?.length ?? 0);
  }
  return [kept, []];
}

function repeatLength({
  repeat,
  times = Infinity,
}: {
  readonly repeat: Bytes;
  readonly times?: number;
}): number {
  return toBuffer(repeat).length * times;
}

function splitStep(step: Step, at: number): readonly [Step, Step?] {
  if ("repeat" in step) {
    if (repeatLength(step) <= at) return [step];
    const unit = toBuffer(step.repeat);
    const before = Buffer.concat(Array.from({ length: Math.ceil(at / unit.length) }, () => unit)).subarray(
      0,
      at,
    );
    return [{ send: before, by: unit.length, every: step.every ?? 0 }, step];
  }
  const wire = wireBytes(step);
  if (wire === undefined || wire.length <= at) return [step];
  const pace = "send" in step ? step : {};
  return [
    { ...pace, send: wire.subarray(0, at) },
    { ...pace, send: wire.subarray(at) },
  ];
}
