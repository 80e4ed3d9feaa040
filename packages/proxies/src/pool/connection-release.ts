import type { Identity, Member } from "../state/member.ts";

/** Tells those who hold connections which ones are of no more use: a proxy that has left, or an identity that has ended, and that carries nothing any more. */
export class ConnectionRelease {
  readonly #listeners = new Set<(proxy: string) => void>();

  listen(listener: (proxy: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes note of the URL that a transport is told; the one before, which had other credentials, is of no more use. */
  setUrl(owner: Member | Identity, proxy: string): void {
    if (owner.url !== undefined && owner.url !== proxy) this.#forget(owner.url);
    owner.url = proxy;
  }

  /** Lets go of the connections of whoever is over, once nothing goes through them. */
  releaseIfOver(owner: Member | Identity): void {
    const isOver = "ended" in owner ? owner.ended : owner.hasLeft;
    if (isOver && owner.inFlight === 0) this.release(owner);
  }

  /** Lets go of the connections, whatever goes through them. */
  release(owner: Member | Identity): void {
    if (owner.url !== undefined) this.#forget(owner.url);
    owner.url = undefined;
  }

  #forget(proxy: string): void {
    for (const listener of this.#listeners) listener(proxy);
  }
}
