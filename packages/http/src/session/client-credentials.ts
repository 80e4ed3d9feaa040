import { systemClock, type Clock } from "@holdfast/policy";
import type { Auth } from "../auth/auth.ts";
import { bearerAuth } from "../auth/bearer-auth.ts";
import { ownError } from "../support/own-error.ts";
import { describeKind, isObject } from "../support/validate.ts";
import type { ClientCredentialsOptions, Token } from "./request-token.ts";

/**
 * Returns OAuth 2 authentication with client credentials (RFC 6749 §4.4). The token is requested once for all requests, and again
 * shortly before it expires or after a 401.
 *
 * @throws TypeError for a wrong option. A request throws a StatusError for an error of the authorization server.
 */
export function clientCredentialsAuth(options: ClientCredentialsOptions): Auth {
  requireOptions(options);
  const { clock = systemClock } = options;
  let token: Token | undefined;
  let request: Promise<Token> | undefined;
  const renew = async (): Promise<string> => {
    request ??= loadToken(options, clock).finally(() => (request = undefined));
    try {
      token = await request;
      return token.value;
    } catch (error) {
      throw ownError(error);
    }
  };
  return bearerAuth((refused) =>
    refused === undefined && token !== undefined && clock.now() < token.renewAt ? token.value : renew(),
  );
}

function requireOptions(options: unknown): void {
  if (!isObject(options))
    throw new TypeError(
      `clientCredentialsAuth takes { tokenUrl, clientId, clientSecret }, got ${describeKind(options)}`,
    );
  const { tokenUrl } = options;
  if (!(tokenUrl instanceof URL) && (typeof tokenUrl !== "string" || !URL.canParse(tokenUrl)))
    throw new TypeError(`clientCredentialsAuth.tokenUrl takes a URL, got ${describeKind(tokenUrl)}`);
  for (const name of ["clientId", "clientSecret"])
    if (typeof options[name] !== "string")
      throw new TypeError(`clientCredentialsAuth.${name} takes a string, got ${describeKind(options[name])}`);
}

/** Requests a token. Loads the code for it at its first use. */
async function loadToken(options: ClientCredentialsOptions, clock: Clock): Promise<Token> {
  const { requestToken } = await import("./request-token.ts");
  return requestToken(options, clock);
}
