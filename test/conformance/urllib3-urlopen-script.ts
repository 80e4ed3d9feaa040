import {
  ConnectionError,
  ConnectTimeoutError,
  DecodeError,
  IncompleteBodyError,
  ProtocolError,
  ReadTimeoutError,
  TlsError,
  type Phase,
} from "../../packages/http/src/errors/transport-errors.ts";
import type { Config } from "./urllib3-retry.ts";

/** The result of one request of a case. */
export interface ScriptEntry {
  readonly error?: string;
  readonly status?: number;
  readonly location?: string;
  readonly retry_after?: string;
}

export interface UrlopenVector {
  readonly level: "pool" | "manager";
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
  readonly body?: "string" | "file";
  readonly redirect: boolean;
  readonly retries: Config | number | boolean | null;
  readonly script: readonly ScriptEntry[];
  readonly expect: Expectation;
}

interface Expectation {
  readonly outcome: "response" | "error";
  readonly status?: number;
  readonly error?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly history?: readonly (readonly [string, string, string | null, number | null, string | null])[];
  readonly requests: readonly unknown[];
  readonly sleeps: readonly number[];
}

type Kind = readonly [urllib3: string, make: () => Error];

const kinds: Readonly<Record<string, Kind>> = {
  connect_timeout: ["ConnectTimeoutError", () => new ConnectTimeoutError("a.test", 1)],
  new_connection: ["NewConnectionError", () => connection("connect", "ECONNREFUSED")],
  // A temporary failure of the resolver: an unknown name would be looked up only once more.
  name_resolution: ["NameResolutionError", () => connection("dns", "EAI_AGAIN")],
  read_timeout: ["ReadTimeoutError", () => new ReadTimeoutError("a.test", 1, "headers")],
  reset: ["ProtocolError", () => connection("headers", "ECONNRESET")],
  remote_disconnected: ["ProtocolError", () => connection("headers", "ECONNRESET")],
  broken_pipe: ["ProtocolError", () => connection("send", "EPIPE")],
  bad_status_line: [
    "ProtocolError",
    () => new ProtocolError("?", { phase: "headers", mayHaveArrived: true }),
  ],
  incomplete_read: ["ProtocolError", () => new IncompleteBodyError(1, 2)],
  // A cut handshake: a rejected certificate would not be retried.
  ssl: ["SSLError", () => new TlsError("?", { certificate: false, errno: "ECONNRESET" })],
  decode: ["DecodeError", () => new DecodeError("gzip")],
};

/** The number of requests after which an endless case is stopped. */
export const longestScript = 50;

/** Returns the error for a step of a script. */
export function errorOf(kind: string): Error {
  const [, make] = kinds[kind] ?? [];
  if (make === undefined) throw new Error(`no error for ${kind}`);
  return make();
}

/** Returns the name in urllib3 of an error of a script. */
export function classOf(kind: string): string {
  return kinds[kind]?.[0] ?? kind;
}

/** What urllib3 calls an error of ours, by its name and its message. */
export function classNamed(name: string, message: string): string {
  for (const [urllib3, make] of Object.values(kinds)) {
    const error = make();
    if (error.name === name && (name !== "ConnectionError" || isMessageOf(message, error))) return urllib3;
  }
  return name;
}

/** A session puts method and URL before the message, and the number of attempts behind it. */
function isMessageOf(message: string, error: Error): boolean {
  return message === error.message || message.includes(`: ${error.message} (`);
}

function connection(phase: Phase, errno: string): ConnectionError {
  return new ConnectionError(errno, {
    phase,
    errno,
    mayHaveArrived: phase === "headers" || phase === "send",
  });
}
