import { isAddress } from "../host/host-key.ts";
import type { HostInput } from "../host/host-input.ts";

interface Responded {
  readonly key: string;
  readonly sentAt: number;
}

const silent: ReadonlySet<HostInput["type"]> = new Set([
  "silent",
  "unknown-name",
  "paced",
  "nothing",
  "started",
]);

/**
 * The names of hosts that responded lately: evidence that the resolver works, when it does not know another name. A host that is
 * named by its address proves nothing.
 */
export class RespondedNames {
  #latest: Responded = { key: "", sentAt: -1 };
  #other: Responded = { key: "", sentAt: -1 };

  /** Adds what a request to a host said about it. */
  add(key: string, inputs: readonly HostInput[]): void {
    if (isAddress(key)) return;
    for (const input of inputs)
      if (input.type !== "started" && !silent.has(input.type))
        this.#addResponse({ key, sentAt: input.sentAt });
  }

  /** Returns when the latest response of another name was requested, in epoch ms; -1 if none was. */
  latestExcept(key: string): number {
    return this.#latest.key === key ? this.#other.sentAt : this.#latest.sentAt;
  }

  #addResponse(response: Responded): void {
    if (response.sentAt < this.#latest.sentAt) return;
    if (response.key !== this.#latest.key) this.#other = this.#latest;
    this.#latest = response;
  }
}
