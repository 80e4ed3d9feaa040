import { toMs, type Duration } from "@holdfast/policy";

/** The limits of a request. Each one that passes ends an attempt, and `total` the whole call. */
export interface TimeoutOptions {
  /** Name, TCP and TLS, over all addresses of the host. @default "5s" */
  readonly connect?: Duration;
  /** Silence: until the head is whole, and between two pieces of the body. @default "30s" */
  readonly read?: Duration;
  /** One attempt from its start to the last byte of its body. @default Infinity */
  readonly attempt?: Duration;
  /** The whole call: attempts, waits, redirects and bodies. @default Infinity */
  readonly total?: Duration;
}

/** Limits in milliseconds, none missing. */
export interface Timeouts {
  readonly connect: number;
  readonly read: number;
  readonly attempt: number;
  readonly total: number;
}

export const timeoutDefaults: Timeouts = { connect: 5_000, read: 30_000, attempt: Infinity, total: Infinity };

/** Lays limits over others: what is not given stays as it was. */
export function resolveTimeouts(
  options: TimeoutOptions | undefined,
  under: Timeouts = timeoutDefaults,
): Timeouts {
  if (options === undefined) return under;
  checkNames(options);
  return {
    connect: toMs(options.connect ?? under.connect),
    read: toMs(options.read ?? under.read),
    attempt: toMs(options.attempt ?? under.attempt),
    total: toMs(options.total ?? under.total),
  };
}

const names: ReadonlySet<string> = new Set(Object.keys(timeoutDefaults));

function checkNames(options: TimeoutOptions): void {
  if (typeof options !== "object") {
    throw new TypeError(`timeout takes { connect, read, attempt, total }, got ${JSON.stringify(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!names.has(name))
      throw new TypeError(`timeout has no limit named ${JSON.stringify(name)}: ${[...names].join(", ")}`);
  }
}
