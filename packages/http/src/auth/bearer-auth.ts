import { AsyncLocalStorage } from "node:async_hooks";
import { loadContent, unreadBodyOf, type HttpResponse } from "../model/response.ts";
import { describeKind } from "../support/validate.ts";
import { ownError } from "../support/own-error.ts";
import type { Auth } from "./auth.ts";

/** Returns a bearer token; after a 401, with that response, a better one. */
export type TokenFunction = (refused?: HttpResponse) => string | Promise<string>;

/**
 * Returns bearer authentication (RFC 6750). A function is called for each request, and again after a 401, once for all
 * requests that were refused with the same token.
 */
export function bearerAuth(token: string | TokenFunction): Auth {
  if (typeof token !== "string" && typeof token !== "function")
    throw new TypeError(
      `bearerAuth takes a token, or a function that returns one, got ${describeKind(token)}`,
    );
  if (typeof token === "string" && /^bearer\s/i.test(token))
    throw new TypeError("bearerAuth takes the token alone, without the word Bearer in front of it");
  if (typeof token === "string")
    return (_request, refused) => (refused === undefined ? bearer(token) : undefined);
  const tokens = new Tokens(token);
  return async (request, refused) => {
    if (refused === undefined) return bearer(await tokens.current());
    const refusedHeader = String(request.headers["authorization"] ?? "");
    const replacement = await tokens.replace(refusedHeader, refused);
    return replacement === undefined ? undefined : bearer(replacement);
  };
}

function bearer(token: string): string {
  return `Bearer ${token}`;
}

// Only requests under way ask for replacements, and all of them rarely have more tokens than this.
const maxReplaced = 1_000;

interface Replacement {
  readonly token: string;
  /** Number of replacements before this one. */
  readonly number: number;
}

/** The refreshes of one token function. A refresh token is often good for one use, so that a second refresh ends the login. */
class Tokens {
  readonly #ask: TokenFunction;
  /** By the Authorization header that was refused: the refresh under way, and the result of an earlier one. */
  readonly #refreshes = new Map<string, Promise<string>>();
  readonly #replacements = new Map<string, Replacement>();
  #replaced = 0;
  /** The refused header of the refresh that the running code belongs to. */
  readonly #refreshing = new AsyncLocalStorage<string>();

  constructor(ask: TokenFunction) {
    this.#ask = ask;
  }

  async current(): Promise<string> {
    const before = this.#replaced;
    const token = await this.#ask();
    // The function still returns a token that it has replaced before: only a refresh helps when that is refused again.
    const replacement = this.#replacements.get(bearer(token));
    if (replacement !== undefined && replacement.number < before) this.#replacements.delete(bearer(token));
    return token;
  }

  /**
   * Returns the token that replaces a refused one: a known one, the result of the refresh under way, or of a new refresh.
   * Undefined for a request of the refresh itself, which would wait for its own result.
   */
  async replace(header: string, refused: HttpResponse): Promise<string | undefined> {
    if (this.#refreshing.getStore() === header) return undefined;
    const known = this.#replacements.get(header);
    if (known !== undefined) return known.token;
    const running = this.#refreshes.get(header);
    if (running !== undefined)
      return running.catch((error: unknown) => {
        throw ownError(error);
      });
    const refresh = this.#refreshing.run(header, () => this.#refresh(refused));
    this.#refreshes.set(header, refresh);
    try {
      const token = await refresh;
      this.#remember(header, token);
      return token;
    } finally {
      this.#refreshes.delete(header);
    }
  }

  /** Calls the function. If it tries to read a body that was not read, the body is read and the function called again. */
  async #refresh(refused: HttpResponse): Promise<string> {
    try {
      return await this.#ask(refused);
    } catch (error) {
      const unread = unreadBodyOf(refused);
      if (unread === undefined || error !== unread.missingError) throw error;
    }
    await loadContent(refused);
    return this.#ask(refused);
  }

  #remember(header: string, token: string): void {
    const replacement = { token, number: this.#replaced };
    this.#replaced += 1;
    // The newer token may have been refused before: it must not lead back to the older one.
    this.#replacements.delete(bearer(token));
    if (header === bearer(token)) return;
    this.#replacements.delete(header);
    this.#replacements.set(header, replacement);
    const [oldest] = this.#replacements.keys();
    if (oldest !== undefined && this.#replacements.size > maxReplaced) this.#replacements.delete(oldest);
  }
}
