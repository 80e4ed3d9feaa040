import type { Clock } from "@holdfast/policy";
import { basicAuth } from "../auth/auth.ts";
import type { RequestOptions } from "../call/options.ts";
import type { HttpResponse } from "../model/response.ts";
import { describeKind, isObject } from "../support/validate.ts";
import { defaultSession } from "./default-session.ts";

/** The options of `clientCredentialsAuth`. */
export interface ClientCredentialsOptions {
  /** The token endpoint of the authorization server. */
  readonly tokenUrl: string | URL;
  /** The client's ID. */
  readonly clientId: string;
  /** The client's secret. */
  readonly clientSecret: string;
  /** Scopes, also separated by spaces. @default none */
  readonly scope?: string | readonly string[];
  /** Further fields of the token request, such as `audience`. @default none */
  readonly fields?: Readonly<Record<string, string>>;
  /** Where the client's ID and secret are sent: as basic authentication, or in the body. @default "header" */
  readonly sendSecretIn?: "header" | "body";
  /** The session that requests tokens. @default the default session */
  readonly session?: { post(url: string | URL, options: RequestOptions): Promise<HttpResponse> };
  /** Source of time, for tests. @default the clock of the platform */
  readonly clock?: Clock;
}

// Every request sends the token in its head.
const maxResponseBytes = 65_536;

/** A token and its lifetime. */
export interface Token {
  readonly value: string;
  /** When to request another one, on the clock. */
  readonly renewAt: number;
}

/**
 * Requests a token with client credentials (RFC 6749 §4.4.2).
 *
 * @throws StatusError for an error of the authorization server; TypeError for a response without a bearer token.
 */
export async function requestToken(options: ClientCredentialsOptions, clock: Clock): Promise<Token> {
  const { tokenUrl, clientId, clientSecret, scope, fields, sendSecretIn = "header" } = options;
  const { session = defaultSession() } = options;
  const body = new URLSearchParams({ grant_type: "client_credentials", ...fields });
  if (scope !== undefined) body.set("scope", typeof scope === "string" ? scope : scope.join(" "));
  if (sendSecretIn === "body") {
    body.set("client_id", clientId);
    body.set("client_secret", clientSecret);
  }
  // RFC 6749 §2.3.1: both are encoded as form fields first.
  const auth = basicAuth(encodeField(clientId), encodeField(clientSecret));
  const sentAt = clock.now();
  const response = await session.post(tokenUrl, {
    body,
    headers: { accept: "application/json" },
    // Without credentials in the body, the function replaces the `auth` of the session.
    auth: sendSecretIn === "header" ? auth : () => undefined,
    // A second token does no harm.
    retry: { allowedMethods: ["POST"] },
    // With the secret in the body, a redirect would send it elsewhere (RFC 9700 §4.12).
    maxRedirects: 0,
    maxBytes: maxResponseBytes,
  });
  const { status, url } = response.raiseForStatus();
  if (status >= 300)
    throw new TypeError(
      `The token endpoint ${url} responded with ${status}: give its final URL as clientCredentialsAuth.tokenUrl`,
    );
  return readToken(await response.json(), sentAt);
}

function encodeField(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/** @throws TypeError for a response without a bearer token. The message quotes no value. */
function readToken(json: unknown, sentAt: number): Token {
  const { access_token: value, token_type: type, expires_in: lifetime } = isObject(json) ? json : {};
  if (typeof value !== "string" || value === "")
    throw new TypeError(
      `The token endpoint must return an access_token, and returned ${describeKind(value)}`,
    );
  if (typeof type === "string" && type.toLowerCase() !== "bearer")
    throw new TypeError(
      `The token endpoint must return a bearer token, and returned a token of another type`,
    );
  // Some servers send the number as a string.
  const seconds = typeof lifetime === "string" && /^\d+$/.test(lifetime) ? Number(lifetime) : lifetime;
  return { value, renewAt: typeof seconds === "number" ? sentAt + renewAfter(seconds * 1_000) : Infinity };
}

/** A token is renewed 30 s before it expires, or after nine tenths of a short life. */
function renewAfter(lifetime: number): number {
  return Math.max(lifetime - 30_000, lifetime * 0.9);
}
