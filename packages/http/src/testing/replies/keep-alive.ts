import { respond } from "./respond.ts";
import type { Reply } from "./steps.ts";

/** After the reply: an orderly close once the connection was idle for this many milliseconds. */
export function closeWhenIdle(idle: number): Reply {
  return [{ whenIdle: idle, play: [{ end: "fin" }] }];
}

/** After the reply: a reset once the connection was idle for this many milliseconds. */
export function resetWhenIdle(idle: number): Reply {
  return [{ whenIdle: idle, play: [{ end: "rst" }] }];
}

/** After the reply: a 408 that belongs to no request, and a close, once the connection was idle for this many milliseconds (RFC 9110 §15.5.9). */
export function timeoutWhenIdle(idle: number): Reply {
  const reply = respond(408, {
    headers: { connection: "close" },
    body: "Your browser didn't send a complete request.\n",
  });
  return [{ whenIdle: idle, play: [...reply, { end: "fin" }] }];
}

/** After the reply: a reset at the first byte of the next request, before any of it is read. */
export function resetOnNextByte(): Reply {
  return [{ whenNextByte: [{ end: "rst" }] }];
}

/** After the reply: a reset in place of the next reply on this connection; the request is read whole and recorded. */
export function resetOnNextRequest(): Reply {
  return [{ whenNextRequest: [{ end: "rst" }] }];
}

/** Header fields that promise to keep an idle connection for this many seconds (draft-thomson-hybi-http-timeout). */
export function keepAliveHint(seconds: number): Readonly<Record<string, string>> {
  return { connection: "keep-alive", "keep-alive": `timeout=${seconds}` };
}
