import type { Chunk, LastChunk } from "./steps.ts";
import { toBuffer } from "./steps.ts";
import { lineBytes } from "./head.ts";

const lineEnd = Buffer.from("\r\n");

/** Returns a chunk as HTTP/1 bytes. */
export function chunkBytes(step: Chunk | LastChunk): Buffer {
  if ("lastChunk" in step) return Buffer.from(`0\r\n${step.lastChunk.map(lineBytes).join("")}\r\n`);
  const data = toBuffer(step.chunk);
  const { size = data.length.toString(16), extension = "" } = step;
  return Buffer.concat([Buffer.from(`${size}${extension}\r\n`), data, lineEnd]);
}
