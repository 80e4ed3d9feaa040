import type { Random } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import type { ProxyAddress } from "@holdfast/http/internal";
import type { SessionLimits } from "./entry.ts";

/** What a template's placeholders are filled with. */
export interface TemplateValues {
  /** Names of the owner's own, such as `user`, `pass`, `zone` or `city`. */
  readonly values?: Readonly<Record<string, string>> | undefined;
  /** A country's code, as the vendor writes it. */
  readonly country?: string | undefined;
  /** The id of a session, made by `newSession`. */
  readonly session?: string | undefined;
  /** How long the vendor is to keep the session, in milliseconds. */
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
// A part in parentheses that has a placeholder is left out whole where the placeholder has no value.
const optionalPart = /\(([^(){}]*(?:\{[^{}]*\}[^(){}]*)+)\)/g;
// What a day's sessions of a busy pool do not meet by chance.
const defaultLength = 8;

/** Whether a proxy's user or password is a template that makes a session: one address for as long as it lasts. */
export function isSessionTemplate({ username, password }: ProxyAddress): boolean {
  return /\{session\b/.test(username + password);
}

/** Whether a proxy's user or password names a country that is chosen with the request. */
export function takesCountry({ username, password }: ProxyAddress): boolean {
  return /\{country\b/.test(username + password);
}

/** Whether it cannot do without one: `{country}` stands in no part that may be left out. */
export function needsCountry({ username, password }: ProxyAddress): boolean {
  return /\{country\b/.test((username + password).replaceAll(/\([^()]*\)/g, ""));
}

/**
 * Fills a template: `{session:alnum8}` by the id, `{ttl:minutes}` by whole minutes (or `seconds`, `hours`), any other
 * name by its value. A part in parentheses, such as `(-cc-{country})`, goes where its placeholder has no value.
 *
 * @throws TypeError for a placeholder that has no value; it names the placeholder alone.
 */
export function fillTemplate(address: ProxyAddress, filling: TemplateValues): ProxyAddress {
  const filled = (text: string): string => fillText(text, filling);
  return { ...address, username: filled(address.username), password: filled(address.password) };
}

/** Makes a session id as the template's vendor wants it: `{session:alnum8}` has 8 letters and digits. */
export function createSessionId({ username, password }: ProxyAddress, random: Random): string {
  const [, alphabet = "alnum", length = ""] =
    /\{session(?::([a-z]+)(\d*))?\}/.exec(username + password) ?? [];
  const letters = alphabets[alphabet] ?? "";
  const pick = (): string => letters[Math.floor(random() * letters.length)] ?? "";
  return Array.from({ length: Number(length) || defaultLength }, pick).join("");
}

/**
 * Checks a template once, so that no request finds out: its alphabets, units, and names of the owner's own.
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
      throw new TypeError(`the placeholder {${name}} is of no known kind`);
  }
}

const reservedNames: ReadonlySet<string> = new Set(["session", "ttl", "country"]);
const kinds: Readonly<Record<string, object>> = { session: alphabets, ttl: units };

function isKnownFormat(name: string, kind: string | undefined, length = ""): boolean {
  return kind === undefined || (Object.hasOwn(kinds[name] ?? {}, kind) && Number(length) <= 255);
}

/** How long we use a session, in milliseconds: a tenth less than its vendor keeps it, so that it never ends under a request. */
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
  if (name !== "ttl") return Object.hasOwn(values, name) ? values[name] : undefined;
  return ttl === undefined ? undefined : String(Math.ceil(ttl / (units[kind ?? "minutes"] ?? NaN)));
}
