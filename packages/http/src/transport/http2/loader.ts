import type { Socket } from "node:net";
import type { HttpClient } from "../wire/protocol.ts";

let loaded: typeof import("./client.ts") | undefined;

/** Loads what speaks HTTP/2. undici takes a tenth of a second, which is not for programs that never meet HTTP/2. */
export async function loadHttp2(): Promise<void> {
  loaded ??= await import("./client.ts");
}

/**
 * Speaks HTTP/2 on a socket; `retire` is told that no further request may go out.
 *
 * @throws Error before it was loaded.
 */
export function createHttp2Client(origin: URL, socket: Socket, retire: () => void): HttpClient {
  if (loaded === undefined) throw new Error("HTTP/2 was not loaded");
  return new loaded.Http2Client(origin, socket, retire);
}
