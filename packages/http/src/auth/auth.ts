import { describeKind } from "../support/validate.ts";
import { InvalidUrlError } from "../errors/transport-errors.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";
import type { DigestAnswers } from "./digest.ts";

/** The value of the Authorization header, or headers and query parameters to add. */
export type Credentials =
  | string
  | {
      readonly headers?: Readonly<Record<string, string>>;
      readonly params?: Readonly<Record<string, string>>;
    };

/**
 * Authenticates each request: returns its credentials. Called again after a 401, with that response,
 * so that it can return a better value, such as a refreshed token. Undefined returns the 401 to the caller. Not applied
 * after a redirect to another origin.
 */
export type Auth = (
  request: HttpRequest,
  refused?: HttpResponse,
) => Credentials | undefined | Promise<Credentials | undefined>;

/** Returns basic authentication (RFC 7617), in UTF-8. */
export function basicAuth(username: string, password: string): Auth {
  requireStrings("basicAuth", username, password);
  if (username.includes(":")) throw new RangeError("basicAuth takes a user name without a colon");
  const header = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  return (_request, refused) => (refused === undefined ? header : undefined);
}

/**
 * Removes user and password from a URL and returns them as basic authentication. Undefined without them.
 *
 * @throws InvalidUrlError if they are not percent-encoded UTF-8, or the user name contains a colon.
 */
export function takeUrlCredentials(url: URL): Auth | undefined {
  const { username, password } = url;
  if (username === "" && password === "") return undefined;
  url.username = "";
  url.password = "";
  try {
    return basicAuth(decodeURIComponent(username), decodeURIComponent(password));
  } catch {
    // The cause is dropped: it may quote the credentials.
    throw new InvalidUrlError(
      `url of ${url.host} has an invalid user or password: expected percent-encoded UTF-8, and no colon in the user`,
    );
  }
}

/** The options of `digestAuth`. */
export interface DigestOptions {
  /** Returns a client nonce. Must be unique for each request. @default 12 random bytes in hexadecimal */
  readonly cnonce?: () => string;
}

/**
 * Returns digest authentication (RFC 7616: MD5, SHA-256 and SHA-512-256, with their session variants, qop auth, auth-int or
 * none). The first request to an origin is sent without it. The challenge of its 401 is used for all further requests to the
 * same origin, and never for another one. A challenge of another scheme, such as Basic, is not answered. An offer of `auth-int`
 * alone is answered only for a body in memory, because its hash comes first. User name and password are hashed in UTF-8; realm
 * and nonce are hashed and sent back byte for byte.
 */
export function digestAuth(username: string, password: string, { cnonce }: DigestOptions = {}): Auth {
  requireStrings("digestAuth", username, password);
  let answers: Promise<DigestAnswers> | undefined;
  return async (request, refused) => {
    if (refused === undefined && answers === undefined) return undefined;
    answers ??= import("./digest.ts").then(
      (module) => new module.DigestAnswers({ username, password, cnonce }),
    );
    return (await answers).answer(request, refused);
  };
}

function requireStrings(name: string, ...given: readonly unknown[]): void {
  const wrong = given.findIndex((value) => typeof value !== "string");
  if (wrong === -1) return;
  throw new TypeError(`${name} takes a user name and a password, got ${describeKind(given[wrong])}`);
}
