import type { Answer } from "./steps.ts";

/** A connection that is served as usual. */
export function accept(): Answer {
  return [];
}

/** A connection that is reset as soon as it is accepted. */
export function resetOnAccept(): Answer {
  return [{ end: "rst" }];
}

/** A connection that is accepted and never served; under TLS the ClientHello stays unanswered. */
export function silentOnAccept(): Answer {
  return [{ end: "hang" }];
}

/** A connection that is closed in order as soon as it is accepted. */
export function closeOnAccept(): Answer {
  return [{ end: "fin" }];
}

/** A connection that is reset at its first bytes: under TLS after the ClientHello, else inside the first request. */
export function cutHandshake(): Answer {
  return [{ peek: true }, { end: "rst" }];
}

/** A connection that is served after this many milliseconds. */
export function acceptLate(delay: number): Answer {
  return [{ wait: delay }];
}
