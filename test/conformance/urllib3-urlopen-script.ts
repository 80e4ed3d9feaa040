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

/** What becomes of one request of a case. */
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
  // A resolver that fails for now: a name that does not exist is looked up only once more.
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
  // A handshake that was cut: a certificate that is refused is no better at a second look.
  ssl: ["SSLError", () => new TlsError("?", { certificate: false, errno: "ECONNRESET" })],
  decode: ["DecodeError", () => new DecodeError("gzip")],
};

/** The requests after which a case that never ends is ended: one that may fail for ever, for all that its counters say. */
export const longestScript = 50;

/** The error that a script asks for. */
export function errorOf(kind: string): Error {
  const [, make] = kinds[kind] ?? [];
  if (make === undefined) throw new Error(`no error for ${kind}`);
  return make();
}

/** What urllib3 calls an error of a script. */
export function classOf(kind: string): string {
  return kinds[kind]?.[0] ?? kind;
}

/** What urllib3 calls an error of ours, by its name and its message. */
export function classNamed(name: string, message: string): string {
  for (const [urllib3, make] of Object.values(kinds)) {
    const error = make();
    if (error.name === name && (name !== "ConnectionError" || error.message === message)) return urllib3;
  }
  return name;
}

function connection(phase: Phase, errno: string): ConnectionError {
  return new ConnectionError(errno, {
    phase,
    errno,
    mayHaveArrived: phase === "headers" || phase === "send",
  });
}
