import type { Duplex } from "node:stream";
import { ProxyError } from "../../errors/transport-errors.ts";
import type { ParseResult } from "./incremental-parse.ts";

/** Whom a socket leads to, and who may end the conversation. */
export interface ProxyDialogue {
  /** Host and port of the proxy, for messages. */
  readonly proxy: string;
  readonly signal: AbortSignal;
  /** Whether the proxy has been told the target, so that its silence may be about that. @default true */
  readonly targetSent?: boolean;
}

/**
 * Reads one answer off a socket; the bytes behind it stay on the socket. Whatever fails destroys the socket.
 *
 * @throws ProxyError; the signal's reason.
 */
export function readReply<T>(
  socket: Duplex,
  parse: (bytes: Buffer) => ParseResult<T>,
  { proxy, signal, targetSent: targetTold = true }: ProxyDialogue,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    let failure: Error | undefined;
    const settle = (): void => {
      socket.off("data", read).off("end", closed).off("close", closed).off("error", note);
      signal.removeEventListener("abort", abort);
    };
    const fail = (error: unknown): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const abort = (): void => fail(signal.reason);
    const note = (error: Error): void => void (failure = error);
    const closed = (): void => fail(closedEarlyError(proxy, { targetTold, cause: failure }));
    const read = (chunk: Buffer): void => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const parsed = parse(bytes);
      if (parsed.at === "partial") return;
      if (parsed.at === "bad") return fail(protocolFaultError(proxy, parsed.reason));
      settle();
      socket.pause();
      if (bytes.length > parsed.length) socket.unshift(bytes.subarray(parsed.length));
      resolve(parsed.value);
    };
    if (signal.aborted) return abort();
    if (socket.destroyed) return closed();
    socket.on("end", closed).on("close", closed).on("error", note).on("data", read).resume();
    signal.addEventListener("abort", abort, { once: true });
  });
}

function closedEarlyError(
  proxy: string,
  { targetTold, cause }: { readonly targetTold: boolean; readonly cause: Error | undefined },
): ProxyError {
  return new ProxyError(`The proxy ${proxy} closed the connection instead of answering`, {
    reason: "closed",
    ...(!targetTold && { fault: "proxy" }),
    ...(cause && { cause }),
  });
}

function protocolFaultError(proxy: string, reason: string): ProxyError {
  return new ProxyError(`The proxy ${proxy} is not understood: ${reason}`, { reason: "protocol" });
}
