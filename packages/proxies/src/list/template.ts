import type { Random } from "@holdfast/policy";
import { toMs, ownValue } from "@holdfast/policy/internal";
import type { ProxyAddress } from "@holdfast/http/internal";
import type { SessionLimits } from "./entry.ts";

/** Values of the placeholders of a template. */
export interface TemplateValues {
  /** The template's own names, such as `user`, `pass`, `zone` or `city`. */
  readonly values?: Readonly<Record<string, string>> | undefined;
  /** Country code in the vendor's notation. */
  readonly country?: string | undefined;
  /** Session id from `createSessionId`. */
  readonly session?: string | undefined;
  /** How long the vendor must keep the session, in milliseconds. */
  readonly ttl?: number | undefined;
}

const alphabets: Readonly<Record<string, string>> = {
  alnum: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
  lower: "abcdefghijklmnopqrstuvwxyz0123456789",
  alpha: "abcdefghijklmnopqrstuvwxyz",
  digits: "0123456789",
  hex: "0123456789abcdef",
};
const units: Readonly<Record<string, number>> = { seconds: 1_000, minutes: 60_000, hours: 3_600_000 };
const placeholder = /\{([a-z]\w*)(?::([a-z]+)(\d*))?\}/gi;
// A part in parentheses with a placeholder is omitted if the placeholder has no value.
const optionalPart = /\(([^(){}]*(?:\{[^{}]*\}[^(){}]*)+)\)/g;
// Long enough that the sessions of a busy pool do not collide within a day.
const defaultLength = 8;

/** Returns whether user or password is a template with a session. */
export function isSessionTemplate({ username, password }: ProxyAddress): boolean {
  return /\{session\b/.test(username + password);
}

/** Returns whether user or password has a country placeholder. */
export function takesCountry({ username, password }: ProxyAddress): boolean {
  return /\{country\b/.test(username + password);
}

/** Returns whether a country is required: `{country}` is not in an optional part. */
export function needsCountry({ username, password }: ProxyAddress): boolean {
  return /\{country\b/.test((username + password).replaceAll(/\([^()]*\)/g, ""));
}

/**
 * Fills a template: `{session:alnum8}` with the id, `{ttl:minutes}` with whole minutes (or `seconds`, `hours`), any other
 * name with its value. Omits a part in parentheses, such as `(-cc-{country})`, if its placeholder has no value.
 *
 * @throws TypeError for a placeholder without a value; it names only the placeholder.
 */
export function fillTemplate(address: ProxyAddress, filling: TemplateValues): ProxyAddress {
  const filled = (text: string): string => fillText(text, filling);
  return { ...address, username: filled(address.username), password: filled(address.password) };
}

/** Creates a session id in the format of the template: `{session:alnum8}` has 8 letters and digits. */
export function createSessionId({ username, password }: ProxyAddress, random: Random): string {
  const [, alphabet = "alnum", length = ""] =
    /\{session(?::([a-z]+)(\d*))?\}/.exec(username + password) ?? [];
  const letters = ownValue(alphabets, alphabet) ?? "";
  const pick = (): string => letters[Math.floor(random() * letters.length)] ?? "";
  return Array.from({ length: Number(length) || defaultLength }, pick).join("");
}

/**
 * Validates a template once, before any request: its formats, units and own names.
 *
 * @throws TypeError that names the placeholder.
 */
export function checkTemplate(
  { username, password }: ProxyAddress,
  values: TemplateValues["values"] = {},
): void {
  const text = username + password;
  for (const [, name = "", kind, length] of text.matchAll(placeholder)) {
    const known = reservedNames.has(name) || Object.hasOwn(values, name) || isOptional(text, name);
    if (!known) throw new TypeError(`the placeholder {${name}} has no value`);
    if (!isKnownFormat(name, kind, length))
      throw new TypeError(`the placeholder {${name}} has an unknown format`);
  }
}

const reservedNames: ReadonlySet<string> = new Set(["session", "ttl", "country"]);
const kinds: Readonly<Record<string, object>> = { session: alphabets, ttl: units };

function isKnownFormat(name: string, kind: string | undefined, length = ""): boolean {
  return kind === undefined || (Object.hasOwn(ownValue(kinds, name) ?? {}, kind) && Number(length) <= 255);
}

/** Returns the pool's limits of a session, in milliseconds: a tenth below the vendor's, so that no session ends during a request. */
export function sessionLimits({ ttl = "10m", idle = Infinity }: SessionLimits = {}): {
  readonly ttl: number;
  readonly idle: number;
} {
  return { ttl: toMs(ttl) * 0.9, idle: toMs(idle) * 0.9 };
}

function isOptional(text: string, name: string): boolean {
  return [...text.matchAll(optionalPart)].some(([part]) => part.includes(`{${name}`));
}

function fillText(text: string, filling: TemplateValues): string {
  const whole = text.replace(optionalPart, (_, part: string) =>
    [...part.matchAll(placeholder)].every((match) => lookUpValue(match, filling) !== undefined) ? part : "",
  );
  return whole.replace(placeholder, (...match: string[]) => {
    const value = lookUpValue(match, filling);
    if (value === undefined) throw new TypeError(`the placeholder {${match[1]}} has no value`);
    return value;
  });
}

function lookUpValue(
  [, name = "", kind]: readonly (string | undefined)[],
  { values = {}, country, session, ttl }: TemplateValues,
): string | undefined {
  if (name === "session") return session;
  if (name === "country") return country;
  if (name !== "ttl") return ownValue(values, name);
  return ttl === undefined ? undefined : String(Math.ceil(ttl / (ownValue(units, kind ?? "minutes") ?? NaN)));
}
