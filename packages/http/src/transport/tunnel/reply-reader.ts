import type { Duplex } from "node:stream";
import { ProxyError } from "../../errors/transport-errors.ts";

/** The result of parsing the bytes received so far. */
export type ParseResult<T> =
  | { readonly state: "incomplete" }
  /** `length` is the number of bytes of the latest chunk that the value took. */
  | { readonly state: "complete"; readonly value: T; readonly length: number }
  | { readonly state: "invalid"; readonly reason: string };

export const incomplete: ParseResult<never> = { state: "incomplete" };

export function complete<T>(value: T, length: number): ParseResult<T> {
  return { state: "complete", value, length };
}

export function invalid(reason: string): ParseResult<never> {
  return { state: "invalid", reason };
}

/** A proxy at the other end of a socket, and the signal that ends the dialogue. */
export interface ProxyDialogue {
  /** Host and port of the proxy, for messages. */
  readonly proxy: string;
  readonly signal: AbortSignal;
  /** Whether the proxy has received the target. Only then may a closed connection be about the target. @default true */
  readonly targetSent?: boolean;
}

/**
 * Reads one reply from a socket and leaves the bytes after it on the socket. A failure destroys the socket. `parse` receives each
 * chunk once.
 *
 * @throws ProxyError; the signal's reason.
 */
export function readReply<T>(
  socket: Duplex,
  parse: (chunk: Buffer) => ParseResult<T>,
  { proxy, signal, targetSent = true }: ProxyDialogue,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let socketError: Error | undefined;
    const stopListening = (): void => {
      socket.off("data", read).off("end", closed).off("close", closed).off("error", storeError);
      signal.removeEventListener("abort", abort);
    };
    const fail = (error: unknown): void => {
      stopListening();
      socket.destroy();
      reject(error);
    };
    const abort = (): void => fail(signal.reason);
    const storeError = (error: Error): void => void (socketError = error);
    const closed = (): void => fail(closedEarlyError(proxy, { targetSent, cause: socketError }));
    const read = (chunk: Buffer): void => {
      const result = parse(chunk);
      if (result.state === "incomplete") return;
      if (result.state === "invalid") return fail(invalidReplyError(proxy, result.reason));
      stopListening();
      socket.pause();
      if (chunk.length > result.length) socket.unshift(chunk.subarray(result.length));
      resolve(result.value);
    };
    if (signal.aborted) return abort();
    if (socket.destroyed) return closed();
    socket.on("end", closed).on("close", closed).on("error", storeError).on("data", read).resume();
    signal.addEventListener("abort", abort, { once: true });
  });
}

/** Returns a parser of chunks from one of a whole reply. Only for replies of a few bytes, which are joined for each chunk. */
export function joiningParser<T>(
  parse: (bytes: Buffer) => ParseResult<T>,
): (chunk: Buffer) => ParseResult<T> {
  let before: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = before.length === 0 ? chunk : Buffer.concat([before, chunk]);
    const result = parse(bytes);
    if (result.state === "complete") return complete(result.value, result.length - before.length);
    before = bytes;
    return result;
  };
}

function closedEarlyError(
  proxy: string,
  { targetSent, cause }: { readonly targetSent: boolean; readonly cause: Error | undefined },
): ProxyError {
  return new ProxyError(`The proxy ${proxy} closed the connection before it replied`, {
    reason: "closed",
    ...(!targetSent && { fault: "proxy" }),
    ...(cause && { cause }),
  });
}

function invalidReplyError(proxy: string, reason: string): ProxyError {
  return new ProxyError(`The proxy ${proxy} sent an invalid reply: ${reason}`, { reason: "protocol" });
}
