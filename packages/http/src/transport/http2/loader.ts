import type { Socket } from "node:net";
import type { Retire } from "./client.ts";
import type { HttpClient } from "../wire/protocol.ts";

let loaded: typeof import("./client.ts") | undefined;

/** Loads the HTTP/2 client. Programs without HTTP/2 never load `node:http2`. */
export async function loadHttp2(): Promise<void> {
  loaded ??= await import("./client.ts");
}

/**
 * Creates an HTTP/2 client. `retire` is called when the connection accepts no further request.
 *
 * @throws Error before `loadHttp2` has finished.
 */
export function createHttp2Client(origin: URL, socket: Socket, retire: Retire): HttpClient {
  if (loaded === undefined) throw new Error("The HTTP/2 client is not loaded: await loadHttp2() first");
  return new loaded.Http2Client(origin, socket, retire);
}
