import type { Identity, Member } from "../state/member.ts";

/** Tells those who hold connections which ones are of no more use: a proxy that has left, or an identity that has ended, and that carries nothing any more. */
export class Forgetting {
  readonly #listeners = new Set<(proxy: string) => void>();

  listen(listener: (proxy: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes note of the URL that a transport is told; the one before, which had other credentials, is of no more use. */
  note(owner: Member | Identity, proxy: string): void {
    if (owner.url !== undefined && owner.url !== proxy) this.#forget(owner.url);
    owner.url = proxy;
  }

  /** Lets go of the connections of whoever is over, once nothing goes through them. */
  letGo(owner: Member | Identity): void {
    const isOver = "ended" in owner ? owner.ended : owner.gone;
    if (isOver && owner.inFlight === 0) this.drop(owner);
  }

  /** Lets go of the connections, whatever goes through them. */
  drop(owner: Member | Identity): void {
    if (owner.url !== undefined) this.#forget(owner.url);
    owner.url = undefined;
  }

  #forget(proxy: string): void {
    for (const listener of this.#listeners) listener(proxy);
  }
}
