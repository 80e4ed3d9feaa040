import type { CookieJar } from "tough-cookie";
import type { HttpRequest } from "./request.ts";
import type { HttpResponse } from "./response.ts";

/** The cookies of a session (RFC 6265). tough-cookie is loaded when the first cookie arrives. */
export class Cookies {
  #jar: CookieJar | undefined;

  /** @param jar a jar to use instead of an empty one. */
  constructor(jar?: CookieJar) {
    this.#jar = jar;
  }

  /** Returns the jar, to read, change or store it. */
  async jar(): Promise<CookieJar> {
    return (this.#jar ??= new (await import("tough-cookie")).CookieJar());
  }

  /** Returns the Cookie header for a request. Undefined without cookies, or if the request has its own. */
  header({ url, headers }: HttpRequest): string | undefined {
    if (this.#jar === undefined || "cookie" in headers) return undefined;
    return this.#jar.getCookieStringSync(url.href) || undefined;
  }

  /** Stores the cookies of a response. Invalid cookies are ignored, as in a browser. */
  async store(response: HttpResponse): Promise<void> {
    const lines = response.headers.getSetCookie();
    if (lines.length === 0) return;
    const jar = await this.jar();
    for (const line of lines) jar.setCookieSync(line, response.url, { ignoreError: true });
  }
}
