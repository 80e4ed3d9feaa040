import type { Reply } from "./steps.ts";

/** Serves the connection as usual. */
export function accept(): Reply {
  return [];
}

/** Resets the connection immediately after accepting it. */
export function resetOnAccept(): Reply {
  return [{ end: "rst" }];
}

/** Accepts the connection and never sends a byte. Under TLS the handshake never proceeds. */
export function silentOnAccept(): Reply {
  return [{ end: "hang" }];
}

/** Closes the connection with a FIN immediately after accepting it. */
export function closeOnAccept(): Reply {
  return [{ end: "fin" }];
}

/** Resets the connection at its first bytes: under TLS after the ClientHello, otherwise inside the first request. */
export function cutHandshake(): Reply {
  return [{ peek: true }, { end: "rst" }];
}

/** Serves the connection after `delay` milliseconds. */
export function delayAccept(delay: number): Reply {
  return [{ wait: delay }];
}
