import type { Random } from "@holdfast/policy";
import { PriorityQueue } from "./priority-queue.ts";
import type { Rotation } from "../rules/rotation.ts";

/** A proxy in a queue. */
export interface QueueEntry {
  /** Requests so far. */
  readonly uses: number;
  /** Number of its latest request, counted over the whole pool. */
  readonly lastUsed: number;
  readonly weight: number;
  /** Whether it left the pool. */
  readonly hasLeft: boolean;
  /** Calls `back` once, when a request of the proxy has ended. */
  onceIdle(back: () => void): void;
}

/** Whether a proxy can serve: now, from an instant on, or once one of its requests has ended. */
export type Readiness = "ready" | "busy" | { readonly from: number };

interface QueuePosition<T> {
  readonly proxy: T;
  readonly place: number;
  readonly turn: number;
  /** Its uses when the position was assigned. */
  readonly uses: number;
  /** Whether it was served from this position and has another one now. */
  left: boolean;
}

interface PausedPosition<T> {
  readonly position: QueuePosition<T>;
  readonly until: number;
}

/** Returns whether a proxy can serve this request, in addition to the readiness of the queue. */
export type HostReadiness<T> = (proxy: T) => Readiness;

export interface RotationQueueOptions<T> {
  readonly rotation: Rotation;
  /** Whether a use outside this queue moves a proxy back. */
  readonly followsUse: boolean;
  readonly random: Random;
  readonly readiness: (proxy: T, now: number) => Readiness;
}

// The end of a busy proxy's requests is unknown, so check again after this time, in milliseconds.
const busyRetryDelay = 1_000;

/**
 * Proxies in the order of a rotation. Unavailable ones are set aside in the order of their return, once per cooldown, so
 * that a request costs O(log n) however many proxies are unavailable.
 */
export class RotationQueue<T extends QueueEntry> {
  readonly #options: RotationQueueOptions<T>;
  readonly #ready = new PriorityQueue<QueuePosition<T>>(
    (a, b) => a.place < b.place || (a.place === b.place && a.turn < b.turn),
  );
  readonly #absent = new PriorityQueue<PausedPosition<T>>((a, b) => a.until < b.until);
  #found: QueuePosition<T> | undefined;
  #busy = 0;
  #turn = 0;
  #front = 0;

  constructor(options: RotationQueueOptions<T>) {
    this.#options = options;
  }

  /** Adds a proxy. */
  add(proxy: T): void {
    this.#place({ proxy, place: this.#front, turn: this.#turn, uses: proxy.uses, left: false });
  }

  /** Returns the proxy that serves next; undefined if none can. A proxy that fails `here` keeps its position. */
  first(now: number, here?: HostReadiness<T>): T | undefined {
    return this.#search(now, here).found;
  }

  /** Assigns the next position to the proxy that `first` returned. */
  serve(): void {
    const served = this.#found;
    if (served === undefined || served.left) return;
    served.left = true;
    this.#front = served.place;
    this.#place(served);
  }

  /** Returns the earliest known instant at which a proxy can serve, `now` included; undefined if none is known. */
  nextFree(now: number, here?: HostReadiness<T>): number | undefined {
    const { found, passedUntil } = this.#search(now, here);
    if (found !== undefined) return now;
    const backAt = Math.min(passedUntil, this.#nextBack(now));
    return backAt === Infinity ? undefined : backAt;
  }

  /** Whether a busy proxy is set aside until an unknown time. */
  get hasBusy(): boolean {
    return this.#busy > 0;
  }

  /** Finds the first proxy that can serve. Skipped proxies keep their positions. */
  #search(
    now: number,
    here?: HostReadiness<T>,
  ): { readonly found: T | undefined; readonly passedUntil: number } {
    this.#comeBack(now);
    const passed: QueuePosition<T>[] = [];
    let passedUntil = Infinity;
    this.#found = undefined;
    for (let top = this.#ready.peek(); top !== undefined; top = this.#ready.peek()) {
      const readiness = this.#checkReadiness(top, now);
      if (readiness === "ready") {
        const readiness = here?.(top.proxy) ?? "ready";
        this.#found = readiness === "ready" ? top : undefined;
        if (readiness === "ready") break;
        passed.push(top);
        passedUntil = Math.min(passedUntil, readiness === "busy" ? now + busyRetryDelay : readiness.from);
      }
      this.#ready.pop();
      this.#move(top, readiness);
    }
    for (const position of passed) this.#ready.push(position);
    return { found: this.#found?.proxy, passedUntil };
  }

  /** Moves a proxy that cannot serve from its position. */
  #move(top: QueuePosition<T>, readiness: Readiness | "gone" | "moved"): void {
    if (readiness === "moved") this.#place(top);
    else if (readiness !== "gone" && readiness !== "ready") this.#setAside(top, readiness);
  }

  #comeBack(now: number): void {
    for (let top = this.#absent.peek(); top !== undefined && top.until <= now; top = this.#absent.peek()) {
      this.#absent.pop();
      this.#place(top.position);
    }
  }

  /** Returns when the first set-aside proxy returns. Its cooldown may have become longer or shorter since. */
  #nextBack(now: number): number {
    for (let top = this.#absent.peek(); top !== undefined; top = this.#absent.peek()) {
      const { position, until } = top;
      const readiness = this.#options.readiness(position.proxy, now);
      if (!position.proxy.hasLeft && typeof readiness === "object" && readiness.from <= until) return until;
      this.#absent.pop();
      if (position.proxy.hasLeft) continue;
      if (readiness === "ready") return this.#return(position, now);
      this.#setAside(position, readiness);
    }
    return Infinity;
  }

  #return(position: QueuePosition<T>, now: number): number {
    this.#place(position);
    return now;
  }

  /** Assigns the next position. */
  #place({ proxy, place: before, uses }: QueuePosition<T>): void {
    const { rotation, random } = this.#options;
    const { lastUsed, weight } = proxy;
    const [turn, front] = [this.#turn, this.#front];
    const place = rotation({ before, since: proxy.uses - uses, lastUsed, weight, turn, front }, random);
    this.#ready.push({ proxy, place, turn, uses: proxy.uses, left: false });
    this.#turn += 1;
  }

  #checkReadiness({ proxy, uses, left }: QueuePosition<T>, now: number): Readiness | "gone" | "moved" {
    if (proxy.hasLeft || left) return "gone";
    if (this.#options.followsUse && uses !== proxy.uses) return "moved";
    return this.#options.readiness(proxy, now);
  }

  #setAside(position: QueuePosition<T>, readiness: Exclude<Readiness, "ready">): void {
    if (readiness !== "busy") return this.#absent.push({ position, until: readiness.from });
    this.#busy += 1;
    position.proxy.onceIdle(() => {
      this.#busy -= 1;
      this.#place(position);
    });
  }
}
