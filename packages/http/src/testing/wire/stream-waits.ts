import type { Duplex } from "node:stream";

const longestTimer = 2 ** 31 - 1;

/** Resolves at the event or at the close of the stream. */
export function until(stream: Duplex, event: "drain" | "close"): Promise<void> {
  if (stream.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off(event, done).off("close", done);
      resolve();
    };
    stream.on(event, done);
    if (event !== "close") stream.on("close", done);
  });
}

/** Resolves after this many milliseconds or at the close of the stream. */
export function sleepOn(stream: Duplex, duration: number): Promise<void> {
  if (stream.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stream.off("close", done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(duration, longestTimer));
    stream.on("close", done);
  });
}

/** Resolves when all written bytes have reached the kernel, or the stream is destroyed. */
export async function flushed(stream: Duplex): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return;
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
}
