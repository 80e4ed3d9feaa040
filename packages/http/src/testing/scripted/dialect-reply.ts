import type { Reply } from "../../retry/dialects/dialect.ts";

/** A `Reply` as written in a table of fixtures. */
export interface ReplyInit {
  /** @default 429 */
  readonly status?: number;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The body, if it is XML. */
  readonly text?: string;
}

/** The time of every reply in the fixtures: 2026-01-01T00:00:00Z, or 1767225600 seconds since 1970. */
export const fixtureNow: number = Date.UTC(2026, 0, 1);

/** Creates a reply for a dialect to read. */
export function replyWith({ status = 429, headers = {}, body, text }: ReplyInit): Reply {
  return {
    status,
    headers: { get: (name) => headers[name.toLowerCase()] ?? null },
    ...(body !== undefined && { body: () => body }),
    ...(text !== undefined && { text: () => text }),
    now: fixtureNow,
  };
}
