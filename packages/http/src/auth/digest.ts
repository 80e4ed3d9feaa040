import { ownValue } from "@holdfast/policy/internal";
import type { Body } from "../model/body.ts";
import { requestTarget, type HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";
import { loadCrypto } from "../support/builtins.ts";
import { parseChallenges, type Challenge } from "./challenge.ts";

/** User and password of `digestAuth`. */
export interface DigestUser {
  readonly username: string;
  readonly password: string;
  /** Returns a client nonce. Must be unique for each request. @default 12 random bytes in hexadecimal */
  readonly cnonce?: (() => string) | undefined;
}

/** Answers the challenges of digest authentication for one user. */
export class DigestAnswers {
  readonly #user: DigestUser;
  readonly #answered: AnsweredChallenges = new AnsweredChallenges();

  constructor(user: DigestUser) {
    this.#user = user;
  }

  /** Returns the Authorization header of a request; undefined without a challenge that can be answered. */
  answer(request: HttpRequest, refused: HttpResponse | undefined): string | undefined {
    if (refused !== undefined) {
      const lines = refused.headers.getAll("www-authenticate");
      const challenge = strongestChallenge(lines.flatMap(parseChallenges), request.body);
      if (challenge === undefined) return undefined;
      // A copy: its texts are slices of the whole head.
      this.#answered.set(request, structuredClone(challenge.params));
    }
    const params = this.#answered.get(request);
    // The server offers `auth-int` alone, and this body is a stream.
    if (params === undefined || qopFor(params, request.body) === "unsupported") return undefined;
    const { username, password, cnonce = randomNonce } = this.#user;
    const count = this.#answered.count(request, params);
    return digestHeader({ username, password, request, params, count, cnonce: cnonce() });
  }
}

// In characters. A longer nonce or realm is not one.
const maxChallengeLength = 8_192;
// More origins than one user name and password are usually for.
const maxOrigins = 100;
// More nonces than an origin has in use at the same time, for all origins.
const maxNonces = 1_000;

/** The latest challenge of each origin. An answer to the challenge of another origin would let that one guess the password. */
class AnsweredChallenges {
  readonly #byOrigin = new Map<string, Challenge["params"]>();
  /** How often each nonce was used. A server takes a lower or equal count as a replay (RFC 7616 §3.4). */
  readonly #counts = new Map<string, number>();

  get(request: HttpRequest): Challenge["params"] | undefined {
    return this.#byOrigin.get(originOf(request));
  }

  set(request: HttpRequest, params: Challenge["params"]): void {
    setLatest(this.#byOrigin, [originOf(request), params], maxOrigins);
  }

  /** Returns how often the nonce was used for the origin, this time included. */
  count(request: HttpRequest, { nonce = "" }: Challenge["params"]): number {
    const key = `${originOf(request)} ${nonce}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    setLatest(this.#counts, [key, count], maxNonces);
    return count;
  }
}

/** Stores an entry, in place of the one that was stored first if there are too many. */
function setLatest<T>(map: Map<string, T>, [key, value]: readonly [string, T], max: number): void {
  map.delete(key);
  map.set(key, value);
  const [first] = map.keys();
  if (map.size > max && first !== undefined) map.delete(first);
}

function originOf({ url, socketPath }: HttpRequest): string {
  return socketPath === undefined ? url.origin : `${socketPath} ${url.origin}`;
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
  return ownValue(algorithms, algorithmName(params).replace(/-SESS$/, ""));
}

/** The quality of protection of a response: none for a challenge as in RFC 2069. */
type Qop = "auth" | "auth-int" | "none" | "unsupported";

/** Returns the quality to answer with. `auth-int` includes the hash of the body, which a stream has only after it was sent. */
function qopFor({ qop }: Challenge["params"], body: Body): Qop {
  const offered = (qop ?? "").split(",").map((name) => name.trim().toLowerCase());
  if (offered.includes("auth")) return "auth";
  if (offered.every((name) => name === "")) return "none";
  const isInMemory = body.kind === "none" || body.kind === "bytes";
  return offered.includes("auth-int") && isInMemory ? "auth-int" : "unsupported";
}

function strongestChallenge(challenges: readonly Challenge[], body: Body): Challenge | undefined {
  const usable = challenges.filter(
    ({ scheme, params }) =>
      scheme === "digest" &&
      hashName(params) !== undefined &&
      qopFor(params, body) !== "unsupported" &&
      Object.values(params).join("").length <= maxChallengeLength,
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
  return loadCrypto().randomBytes(12).toString("hex");
}

function digestHeader(input: DigestInput): string {
  const { username, request, params } = input;
  const { realm = "", nonce = "", opaque, algorithm } = params;
  const nc = input.count.toString(16).padStart(8, "0");
  const qop = qopFor(params, request.body);
  const fields = [
    ...nameFields(
      username,
      params["userhash"]?.toLowerCase() === "true"
        ? hashFunction(params)(utf8(username), `:${realm}`)
        : undefined,
    ),
    `realm="${escape(realm)}"`,
    `nonce="${escape(nonce)}"`,
    `uri="${requestTarget(request.url)}"`,
    `response="${computeDigest(input, nc, qop)}"`,
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    ...(opaque === undefined ? [] : [`opaque="${escape(opaque)}"`]),
    ...nonceFields(input, nc, qop),
  ];
  return `Digest ${fields.join(", ")}`;
}

/** A session variant includes the client nonce even without qop, since the server needs it to check the digest. */
function nonceFields({ params, cnonce }: DigestInput, nc: string, qop: Qop): readonly string[] {
  const own = `cnonce="${cnonce}"`;
  if (qop === "none") return isSession(params) ? [own] : [];
  return [`qop=${qop}`, `nc=${nc}`, own];
}

/** Returns the response field (RFC 7616 §3.4.1 to §3.4.3). */
function computeDigest(
  { username, password, request, params, cnonce }: DigestInput,
  nc: string,
  qop: Qop,
): string {
  const { realm = "", nonce = "" } = params;
  const hash = hashFunction(params);
  const secret = hash(utf8(username), `:${realm}:`, utf8(password));
  const a1 = isSession(params) ? hash(`${secret}:${nonce}:${cnonce}`) : secret;
  const entity = qop === "auth-int" ? `:${hash(bodyBytes(request.body))}` : "";
  const a2 = hash(`${request.method}:${requestTarget(request.url)}${entity}`);
  return hash(qop === "none" ? `${a1}:${nonce}:${a2}` : `${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`);
}

/** Returns the hash over bytes. Strings are text of a header, which has one character for each byte. */
function hashFunction(params: Challenge["params"]): (...parts: readonly (string | Buffer)[]) => string {
  return (...parts) => {
    const bytes = parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part));
    return loadCrypto()
      .createHash(hashName(params) ?? "md5")
      .update(Buffer.concat(bytes))
      .digest("hex");
  };
}

function bodyBytes(body: Body): Buffer {
  if (body.kind !== "bytes") return Buffer.alloc(0);
  return typeof body.bytes === "string" ? utf8(body.bytes) : Buffer.from(body.bytes);
}

function utf8(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

/** Returns the user name: hashed if the server asks for that, encoded if it is not ASCII (RFC 7616 §3.4, §3.4.4). */
function nameFields(username: string, hashed: string | undefined): readonly string[] {
  if (hashed !== undefined) return [`username="${hashed}"`, "userhash=true"];
  return /^[\u0020-\u007e]*$/.test(username)
    ? [`username="${escape(username)}"`]
    : [`username*=UTF-8''${encodeURIComponent(username)}`];
}

function escape(text: string): string {
  return text.replace(/["\\]/g, "\\$&");
}
