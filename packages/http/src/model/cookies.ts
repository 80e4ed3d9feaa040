import type { CookieJar } from "tough-cookie";
import type { HttpRequest } from "./request.ts";
import type { HttpResponse } from "./response.ts";

/** The cookies of a session (RFC 6265): loaded when the first one comes. */
export class Cookies {
  #jar: CookieJar | undefined;

  /** Starts with the caller's jar, or with none. */
  constructor(jar?: CookieJar) {
    this.#jar = jar;
  }

  /** The jar, to read, change or store it. */
  async jar(): Promise<CookieJar> {
    return (this.#jar ??= new (await import("tough-cookie")).CookieJar());
  }

  /** The Cookie header for a request; undefined when there is none to send, or the caller sends one. */
  header({ url, headers }: HttpRequest): string | undefined {
    if (this.#jar === undefined || "cookie" in headers) return undefined;
    return this.#jar.getCookieStringSync(url.href) || undefined;
  }

  /** Keeps the cookies that a response sets; one that the rules forbid is left out, as in a browser. */
  async store(response: HttpResponse): Promise<void> {
    const lines = response.headers.getSetCookie();
    if (lines.length === 0) return;
    const jar = await this.jar();
    for (const line of lines) jar.setCookieSync(line, response.url, { ignoreError: true });
  }
}
