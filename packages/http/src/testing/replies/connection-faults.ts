import type { Reply } from "./steps.ts";

/** A connection that is served as usual. */
export function accept(): Reply {
  return [];
}

/** A connection that is reset as soon as it is accepted. */
export function resetOnAccept(): Reply {
  return [{ end: "rst" }];
}

/** A connection that is accepted and never served; under TLS the ClientHello stays unanswered. */
export function silentOnAccept(): Reply {
  return [{ end: "hang" }];
}

/** A connection that is closed in order as soon as it is accepted. */
export function closeOnAccept(): Reply {
  return [{ end: "fin" }];
}

/** A connection that is reset at its first bytes: under TLS after the ClientHello, else inside the first request. */
export function cutHandshake(): Reply {
  return [{ peek: true }, { end: "rst" }];
}

/** A connection that is served after this many milliseconds. */
export function acceptLate(delay: number): Reply {
  return [{ wait: delay }];
}
