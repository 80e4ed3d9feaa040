import { toMs } from "@holdfast/policy/internal";
import {
  type Check,
  type ProxyAddress,
  integer,
  formatProxyLabel,
  formatProxyUrl,
  isFunction,
  isObject,
  kind,
  options,
  parseProxyAddress,
  refuse,
} from "@holdfast/http/internal";
import { checkTemplate, isSessionTemplate, sessionLimits } from "./template.ts";

import type { ProxyCredentials, ProxyEntry, ProxyInput } from "./entry.ts";

/** A validated proxy. Never log `id` or `address`. */
export interface ProxySpec {
  /** Identifies the proxy across readings of the source. */
  readonly id: string;
  readonly address: ProxyAddress;
  /** Whether the input had a scheme; without one it counts as an http proxy. */
  readonly isSchemeGiven: boolean;
  /** Label without credentials. */
  readonly label: string;
  readonly values: Readonly<Record<string, string>> | undefined;
  readonly credentials: (() => Promise<ProxyCredentials>) | undefined;
  readonly country: string | undefined;
  readonly weight: number;
  readonly maxConcurrent: number;
  /** Whether the proxy has many exit addresses, one per session. */
  readonly gateway: boolean;
  readonly sessions: number;
  readonly session: {
    /** The ttl in the vendor's template, in milliseconds. */
    readonly ttl: number;
    /** The pool's own, shorter limits, in milliseconds. */
    readonly own: { readonly ttl: number; readonly idle: number };
    readonly maxUses: number;
  };
}

/**
 * Validates a proxy.
 *
 * @throws TypeError or RangeError with the reason, without credentials.
 */
export function parseProxyEntry(input: ProxyInput): ProxySpec {
  const { url, values, credentials, country, session = {}, ...entry } = validateEntry(input);
  const address = withCredentials(parseProxyAddress(url), entry);
  checkTemplate(address, values);
  return {
    id: `${formatProxyUrl(address)} ${country?.toLowerCase() ?? ""} ${JSON.stringify(values ?? {})}`,
    address,
    isSchemeGiven: /^\s*[a-z][a-z\d+.-]*:\/\//i.test(url),
    label: formatProxyLabel(address),
    values,
    credentials,
    country,
    ...parseShares(entry),
    ...parseSessions(entry, isSessionTemplate(address)),
    session: {
      ttl: toMs(session.ttl ?? "10m"),
      own: sessionLimits(session),
      maxUses: session.maxUses ?? Infinity,
    },
  };
}

function parseShares({
  weight = 1,
  maxConcurrent = Infinity,
}: Pick<ProxyEntry, "weight" | "maxConcurrent">): Pick<ProxySpec, "weight" | "maxConcurrent"> {
  if (!(weight > 0 && weight < Infinity)) throw new RangeError("weight must be a number above 0");
  if (!(maxConcurrent >= 1)) throw new RangeError("maxConcurrent must be 1 or more");
  return { weight, maxConcurrent };
}

function parseSessions(
  { sessions, rotatesPerConnection = false }: Pick<ProxyEntry, "sessions" | "rotatesPerConnection">,
  isTemplate: boolean,
): Pick<ProxySpec, "gateway" | "sessions"> {
  if (sessions !== undefined && !(Number.isInteger(sessions) && sessions >= 1))
    throw new RangeError("sessions must be a whole number, 1 or more");
  if (typeof rotatesPerConnection !== "boolean")
    throw new TypeError("rotatesPerConnection must be true or false");
  return { gateway: isTemplate || rotatesPerConnection, sessions: sessions ?? (isTemplate ? 1 : Infinity) };
}

function validateEntry(input: ProxyInput): ProxyEntry {
  if (typeof input === "string") return { url: input };
  if (typeof input !== "object" || input === null || typeof input.url !== "string")
    throw new TypeError("a proxy must be a URL or { url, ... }");
  refuse("the entry", entryCheck(input));
  return input;
}

// Secret, or validated where it is used.
const anything: Check = () => undefined;
const secretString: Check = kind({
  wanted: "a string",
  fits: (value) => typeof value === "string",
  secret: true,
});
const entryCheck = options<ProxyEntry>(
  {
    url: anything,
    username: secretString,
    password: secretString,
    values: kind({ wanted: "strings by their names", fits: isObject, secret: true }),
    credentials: kind({ wanted: "a function", fits: isFunction, secret: true }),
    country: secretString,
    weight: anything,
    sessions: anything,
    rotatesPerConnection: anything,
    maxConcurrent: anything,
    session: options<NonNullable<ProxyEntry["session"]>>({
      ttl: anything,
      idle: anything,
      maxUses: integer(1),
    }),
  },
  { rotating: "rotatesPerConnection" },
);

function withCredentials(
  address: ProxyAddress,
  { username, password }: Pick<ProxyEntry, "username" | "password">,
): ProxyAddress {
  if (username === undefined && password === undefined) return address;
  if (address.username !== "" || address.password !== "")
    throw new TypeError("user and password are both in the URL and in the entry; give them once");
  return { ...address, username: username ?? "", password: password ?? "" };
}
