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
  /** Calls back once one of its requests has ended. */
  onceIdle(back: () => void): void;
}

/** Whether a proxy can serve: now, from an instant on, or once one of its requests has ended. */
export type Readiness = "ready" | "busy" | { readonly from: number };

interface QueuePosition<T> {
  readonly who: T;
  readonly place: number;
  readonly turn: number;
  /** Its uses when the position was assigned. */
  readonly uses: number;
  /** Whether it was served from this position and has another one now. */
  left: boolean;
}

interface PausedPosition<T> {
  readonly had: QueuePosition<T>;
  readonly until: number;
}

/** Returns whether a proxy can serve this request, beyond what the queue knows. */
export type HostReadiness<T> = (who: T) => Readiness;

export interface RotationQueueOptions<T> {
  readonly rotation: Rotation;
  /** Whether a use elsewhere moves a proxy back. */
  readonly followsUse: boolean;
  readonly random: Random;
  readonly readiness: (who: T, now: number) => Readiness;
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
  add(who: T): void {
    this.#place({ who, place: this.#front, turn: this.#turn, uses: who.uses, left: false });
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

  /** Whether a busy proxy is set aside, whose return is unknown. */
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
        const readiness = here?.(top.who) ?? "ready";
        this.#found = readiness === "ready" ? top : undefined;
        if (readiness === "ready") break;
        passed.push(top);
        passedUntil = Math.min(passedUntil, readiness === "busy" ? now + busyRetryDelay : readiness.from);
      }
      this.#ready.pop();
      this.#move(top, readiness);
    }
    for (const place of passed) this.#ready.push(place);
    return { found: this.#found?.who, passedUntil };
  }

  /** Moves a proxy that cannot serve from its position. */
  #move(top: QueuePosition<T>, readiness: Readiness | "gone" | "moved"): void {
    if (readiness === "moved") this.#place(top);
    else if (readiness !== "gone" && readiness !== "ready") this.#setAside(top, readiness);
  }

  #comeBack(now: number): void {
    for (let top = this.#absent.peek(); top !== undefined && top.until <= now; top = this.#absent.peek()) {
      this.#absent.pop();
      this.#place(top.had);
    }
  }

  /** Returns when the first set-aside proxy returns. Its cooldown may have become longer or shorter since. */
  #nextBack(now: number): number {
    for (let top = this.#absent.peek(); top !== undefined; top = this.#absent.peek()) {
      const { had, until } = top;
      const readiness = this.#options.readiness(had.who, now);
      if (!had.who.hasLeft && typeof readiness === "object" && readiness.from <= until) return until;
      this.#absent.pop();
      if (had.who.hasLeft) continue;
      if (readiness === "ready") return this.#return(had, now);
      this.#setAside(had, readiness);
    }
    return Infinity;
  }

  #return(had: QueuePosition<T>, now: number): number {
    this.#place(had);
    return now;
  }

  /** Assigns the next position. */
  #place({ who, place: before, uses }: QueuePosition<T>): void {
    const { rotation, random } = this.#options;
    const { lastUsed, weight } = who;
    const [turn, front] = [this.#turn, this.#front];
    const place = rotation({ before, since: who.uses - uses, lastUsed, weight, turn, front }, random);
    this.#ready.push({ who, place, turn, uses: who.uses, left: false });
    this.#turn += 1;
  }

  #checkReadiness({ who, uses, left }: QueuePosition<T>, now: number): Readiness | "gone" | "moved" {
    if (who.hasLeft || left) return "gone";
    if (this.#options.followsUse && uses !== who.uses) return "moved";
    return this.#options.readiness(who, now);
  }

  #setAside(had: QueuePosition<T>, readiness: Exclude<Readiness, "ready">): void {
    if (readiness !== "busy") return this.#absent.push({ had, until: readiness.from });
    this.#busy += 1;
    had.who.onceIdle(() => {
      this.#busy -= 1;
      this.#place(had);
    });
  }
}
