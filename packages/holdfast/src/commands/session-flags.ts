import type { RetryInit, Session, SessionOptions } from "@holdfast/http";
import { parseByteSize, parseDuration, parseHeaders, parseWholeNumber } from "../command-line/options.ts";
import type { ParsedOptions } from "../command-line/options.ts";

/** The options of every command that sends requests. */
export const sessionFlags = {
  attempts: { type: "string" },
  timeout: { type: "string" },
  "connect-timeout": { type: "string" },
  "read-timeout": { type: "string" },
  "max-bytes": { type: "string" },
  header: { type: "string", short: "H", multiple: true },
} as const;

/** Their part of a help text, for a command whose default of `--max-bytes` is the given one. */
export function sessionHelp(maxBytes: string): string {
  return `  --attempts N             requests per URL at most, the first included (4)
  --timeout TIME           for one URL, all attempts and waits together (none)
  --connect-timeout TIME   until the connection stands (5s)
  --read-timeout TIME      without a byte from the server (30s)
  --max-bytes SIZE         of a body, decoded; a larger one fails (${maxBytes})
  -H, --header 'N: V'      a header for every request; may be repeated`;
}

/** What the values of these options color like. */
export const unitsHelp = `TIME is a number with ms, s, m or h; SIZE one of bytes, or with k, M or G
(powers of 1024).`;

/** What the flags say, checked. */
export interface SessionSettings {
  readonly attempts: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly total: number | undefined;
  readonly connect: number | undefined;
  readonly read: number | undefined;
  readonly maxBytes: number | undefined;
}

/**
 * Reads the options of a session.
 *
 * @throws UsageError for the first that is wrong.
 */
export function readSessionFlags(values: ParsedOptions<typeof sessionFlags>["values"]): SessionSettings {
  return {
    attempts: parseWholeNumber("--attempts", values.attempts, { min: 1, max: 100 }) ?? 4,
    headers: parseHeaders(values.header),
    total: parseDuration("--timeout", values.timeout),
    connect: parseDuration("--connect-timeout", values["connect-timeout"]),
    read: parseDuration("--read-timeout", values["read-timeout"]),
    maxBytes: parseByteSize("--max-bytes", values["max-bytes"]),
  };
}

/**
 * Opens a session for the settings; loads the transport only now. The caller closes it. What `retry` says is laid over the rule
 * of a session that is told nothing.
 */
export async function openSession(
  settings: SessionSettings,
  { retry, proxy }: { readonly retry?: RetryInit; readonly proxy?: SessionOptions["proxy"] | undefined } = {},
): Promise<Session> {
  const { Session, sessionDefaults } = await import("@holdfast/http");
  const { total, connect, read, maxBytes } = settings;
  return new Session({
    headers: settings.headers,
    retry: sessionDefaults.retry.new({ total: settings.attempts - 1, ...retry }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(proxy === undefined ? {} : { proxy }),
    timeout: {
      ...(total === undefined ? {} : { total }),
      ...(connect === undefined ? {} : { connect }),
      ...(read === undefined ? {} : { read }),
    },
  });
}
