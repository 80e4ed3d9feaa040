import type { Identity, Member } from "../state/member.ts";

/** Tells sessions which connections they can close: those of a proxy that left or of an identity that ended. */
export class ConnectionRelease {
  readonly #listeners = new Set<(proxyUrl: string) => void>();

  /** Calls `listener` with each released proxy URL. Returns a function that stops it. */
  listen(listener: (proxyUrl: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Stores the URL that a session connects to. Releases the former URL with its outdated credentials. */
  setUrl(owner: Member | Identity, proxyUrl: string): void {
    if (owner.url !== undefined && owner.url !== proxyUrl) this.#notify(owner.url);
    owner.url = proxyUrl;
  }

  /** Releases the connections if the member left or the identity ended, and no request uses them. */
  releaseIfOver(owner: Member | Identity): void {
    const isOver = "ended" in owner ? owner.ended : owner.hasLeft;
    if (isOver && owner.inFlight === 0) this.release(owner);
  }

  /** Releases the connections, even if requests use them. */
  release(owner: Member | Identity): void {
    if (owner.url !== undefined) this.#notify(owner.url);
    owner.url = undefined;
  }

  #notify(proxyUrl: string): void {
    for (const listener of this.#listeners) listener(proxyUrl);
  }
}
