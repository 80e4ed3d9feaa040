import { createHash, randomBytes } from "node:crypto";
import { describeKind } from "../support/validate.ts";
import { InvalidUrlError } from "../errors/transport-errors.ts";
import { parseChallenges, type Challenge } from "./challenge.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";

/**
 * Says who asks: gives the Authorization header for a request. After a 401 it is asked once more, with that answer, and
 * may give a better one, such as a refreshed token; undefined leaves the 401 as it is.
 */
export type Auth = (
  request: HttpRequest,
  refused?: HttpResponse,
) => string | undefined | Promise<string | undefined>;

/** Basic authentication (RFC 7617), in UTF-8. */
export function basicAuth(username: string, password: string): Auth {
  requireStrings("basicAuth", username, password);
  if (username.includes(":"))
    throw new RangeError("A user name for basic authentication cannot contain a colon");
  const header = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  return (_request, refused) => (refused === undefined ? header : undefined);
}

/**
 * Takes user and password out of a URL, as basic authentication; undefined when it has none.
 *
 * @throws InvalidUrlError when they are not percent-encoded UTF-8, or the user's name has a colon.
 */
export function takeUrlCredentials(url: URL): Auth | undefined {
  const { username, password } = url;
  if (username === "" && password === "") return undefined;
  url.username = "";
  url.password = "";
  try {
    return basicAuth(decodeURIComponent(username), decodeURIComponent(password));
  } catch {
    // Without the cause, which may quote them.
    throw new InvalidUrlError(`The user and the password in the URL of ${url.host} cannot be read`);
  }
}

/** A bearer token (RFC 6750): fixed, or from a function that is asked for each request, and once more after a 401. */
export function bearerAuth(token: string | ((refused?: HttpResponse) => string | Promise<string>)): Auth {
  if (typeof token !== "string" && typeof token !== "function")
    throw new TypeError(`bearerAuth takes a token, or a function that gives one, got ${describeKind(token)}`);
  if (typeof token === "string")
    return (_request, refused) => (refused === undefined ? `Bearer ${token}` : undefined);
  return async (_request, refused) => `Bearer ${await token(refused)}`;
}

export interface DigestOptions {
  /** Makes the client's nonces, and so must never give the same twice. @default 12 random bytes in hexadecimal */
  readonly cnonce?: () => string;
}

/**
 * Digest authentication (RFC 7616: MD5, SHA-256 and SHA-512-256, with their session variants, qop auth or none). The
 * first request of a session goes without it; the challenge that comes back serves for those that follow.
 */
export function digestAuth(
  username: string,
  password: string,
  { cnonce = randomNonce }: DigestOptions = {},
): Auth {
  requireStrings("digestAuth", username, password);
  let known: { readonly params: Challenge["params"]; count: number } | undefined;
  return (request, refused) => {
    if (refused !== undefined) {
      const challenge = strongestChallenge(parseChallenges(refused.headers.get("www-authenticate") ?? ""));
      if (challenge === undefined) return undefined;
      known = { params: challenge.params, count: 0 };
    }
    if (known === undefined) return undefined;
    known.count += 1;
    return digestHeader({
      username,
      password,
      request,
      params: known.params,
      count: known.count,
      cnonce: cnonce(),
    });
  };
}

function requireStrings(name: string, ...given: readonly unknown[]): void {
  const wrong = given.findIndex((value) => typeof value !== "string");
  if (wrong === -1) return;
  throw new TypeError(`${name} takes a user name and a password, got ${describeKind(given[wrong])}`);
}

const algorithms: Readonly<Record<string, string>> = {
  MD5: "md5",
  "SHA-256": "sha256",
  "SHA-512-256": "sha512-256",
};

function algorithmName(params: Challenge["params"]): string {
  return (params["algorithm"] ?? "MD5").toUpperCase();
}

function isSession(params: Challenge["params"]): boolean {
  return algorithmName(params).endsWith("-SESS");
}

function hashName(params: Challenge["params"]): string | undefined {
  return algorithms[algorithmName(params).replace(/-SESS$/, "")];
}

function strongestChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  const usable = challenges.filter(
    ({ scheme, params }) => scheme === "digest" && hashName(params) !== undefined,
  );
  return usable.find(({ params }) => algorithmName(params).startsWith("SHA")) ?? usable[0];
}

interface DigestInput {
  readonly username: string;
  readonly password: string;
  readonly request: HttpRequest;
  readonly params: Challenge["params"];
  readonly count: number;
  readonly cnonce: string;
}

function randomNonce(): string {
  return randomBytes(12).toString("hex");
}

function digestHeader(input: DigestInput): string {
  const { username, request, params } = input;
  const { realm = "", nonce = "", opaque, algorithm } = params;
  const nc = input.count.toString(16).padStart(8, "0");
  const qop = params["qop"]?.split(",").some((name) => name.trim() === "auth") === true ? "auth" : undefined;
  const fields = [
    ...nameFields(
      username,
      params["userhash"]?.toLowerCase() === "true" ? hashFunction(params)(`${username}:${realm}`) : undefined,
    ),
    `realm="${escape(realm)}"`,
    `nonce="${escape(nonce)}"`,
    `uri="${requestTarget(request)}"`,
    `response="${computeDigest(input, nc, qop)}"`,
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    ...(opaque === undefined ? [] : [`opaque="${escape(opaque)}"`]),
    ...nonceFields(input, nc, qop),
  ];
  return `Digest ${fields.join(", ")}`;
}

/** A session variant is made with the client's nonce even without qop: no server could check it else. */
function nonceFields(
  { params, cnonce }: DigestInput,
  nc: string,
  qop: string | undefined,
): readonly string[] {
  const own = `cnonce="${cnonce}"`;
  if (qop === undefined) return isSession(params) ? [own] : [];
  return [`qop=${qop}`, `nc=${nc}`, own];
}

/** The proof that the password is known (RFC 7616 §3.4.1 to §3.4.3). */
function computeDigest(
  { username, password, request, params, cnonce }: DigestInput,
  nc: string,
  qop: string | undefined,
): string {
  const { realm = "", nonce = "" } = params;
  const hash = hashFunction(params);
  const secret = hash(`${username}:${realm}:${password}`);
  const a1 = isSession(params) ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const a2 = hash(`${request.method}:${requestTarget(request)}`);
  return hash(qop === undefined ? `${a1}:${nonce}:${a2}` : `${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`);
}

function hashFunction(params: Challenge["params"]): (text: string) => string {
  return (text) =>
    createHash(hashName(params) ?? "md5")
      .update(text)
      .digest("hex");
}

function requestTarget({ url }: HttpRequest): string {
  return url.pathname + url.search;
}

/** The user's name: hashed where the server asks for that, encoded where it is not ASCII (RFC 7616 §3.4, §3.4.4). */
function nameFields(username: string, hashed: string | undefined): readonly string[] {
  if (hashed !== undefined) return [`username="${hashed}"`, "userhash=true"];
  return /^[\u0020-\u007e]*$/.test(username)
    ? [`username="${escape(username)}"`]
    : [`username*=UTF-8''${encodeURIComponent(username)}`];
}

function escape(text: string): string {
  return text.replace(/["\\]/g, "\\$&");
}
