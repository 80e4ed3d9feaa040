import { respond } from "./respond.ts";
import type { Reply } from "./steps.ts";

/** After the reply, closes the connection with a FIN when it was idle for `idle` milliseconds. */
export function closeWhenIdle(idle: number): Reply {
  return [{ whenIdle: idle, play: [{ end: "fin" }] }];
}

/** After the reply, resets the connection when it was idle for `idle` milliseconds. */
export function resetWhenIdle(idle: number): Reply {
  return [{ whenIdle: idle, play: [{ end: "rst" }] }];
}

/** After the reply, sends a 408 without a request and closes when the connection was idle for `idle` milliseconds (RFC 9110 §15.5.9). */
export function timeoutWhenIdle(idle: number): Reply {
  const reply = respond(408, {
    headers: { connection: "close" },
    body: "Your browser didn't send a complete request.\n",
  });
  return [{ whenIdle: idle, play: [...reply, { end: "fin" }] }];
}

/** After the reply, resets the connection at the first byte of the next request, before reading it. */
export function resetOnNextByte(): Reply {
  return [{ whenNextByte: [{ end: "rst" }] }];
}

/** After the reply, resets the connection instead of replying to the next request, which is read whole and recorded. */
export function resetOnNextRequest(): Reply {
  return [{ whenNextRequest: [{ end: "rst" }] }];
}

/** Returns header fields that announce a keep-alive of `seconds` for an idle connection (draft-thomson-hybi-http-timeout). */
export function keepAliveHint(seconds: number): Readonly<Record<string, string>> {
  return { connection: "keep-alive", "keep-alive": `timeout=${seconds}` };
}
