import { startTimer } from "@holdfast/policy/internal";
import type { Clock } from "@holdfast/policy";

/** Bounds of the look at a body. An explanation is short, and arrives with its head. */
const maxBytes = 65_536;
const maxWait = 5_000;

/** Returns the first 64 KiB of a body, or what has arrived of them after 5 seconds. The response can still be read from its start. */
export async function readBeginning(response: Response, clock: Clock): Promise<Uint8Array> {
  const body: ReadableStream<Uint8Array> | null = response.clone().body;
  const reader = body?.getReader();
  if (reader === undefined) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const late = Promise.withResolvers<undefined>();
  const stopTimer = startTimer(clock, maxWait, () => late.resolve(undefined));
  try {
    while (length < maxBytes) {
      const read = await Promise.race([reader.read(), late.promise]);
      if (read?.value === undefined) break;
      chunks.push(read.value);
      length += read.value.byteLength;
    }
  } catch {
    // The status says more than a body that broke off.
  } finally {
    stopTimer();
    reader.cancel().catch(() => undefined);
  }
  return join(chunks, length).subarray(0, maxBytes);
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.byteLength;
  }
  return joined;
}
