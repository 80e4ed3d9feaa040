import type { Random } from "@holdfast/policy";
import { PriorityQueue } from "./priority-queue.ts";
import type { Rotation } from "../rules/rotation.ts";

/** Who can stand in a line. */
export interface QueueEntry {
  /** Requests that it was given so far. */
  readonly uses: number;
  /** The number of the latest request that it was given, of all that the pool has served. */
  readonly lastUsed: number;
  readonly weight: number;
  /** Whether it has left the pool. */
  readonly hasLeft: boolean;
  /** Calls back when a request that it carried has ended. */
  onceIdle(back: () => void): void;
}

/** Whether one in line can serve: now, from an instant on, or as soon as a request that it carries has ended. */
export type Readiness = "ready" | "busy" | { readonly from: number };

interface QueuePosition<T> {
  readonly who: T;
  readonly place: number;
  readonly turn: number;
  /** Its uses when the place was given. */
  readonly uses: number;
  /** Whether it was served from here, and has another place now. */
  left: boolean;
}

interface PausedPosition<T> {
  readonly had: QueuePosition<T>;
  readonly until: number;
}

/** What more is to be known of one in line: whether it can serve this request. */
export type HostReadiness<T> = (who: T) => Readiness;

export interface RotationQueueOptions<T> {
  readonly rotation: Rotation;
  /** Whether a use elsewhere moves one back. */
  readonly followsUse: boolean;
  readonly random: Random;
  readonly readiness: (who: T, now: number) => Readiness;
}

// When one that is busy will be done, nobody knows: it is worth another look after this time, in milliseconds.
const busyRetryDelay = 1_000;

/**
 * Proxies in the order of a rotation, those that rest apart from the others in the order in which they come back. Who is
 * found unable to serve is set aside once for each rest, so that a request costs O(log n), however many rest.
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

  /** Puts a newcomer in line. */
  add(who: T): void {
    this.#place({ who, place: this.#front, turn: this.#turn, uses: who.uses, left: false });
  }

  /** Who serves next; undefined when nobody can. Who can, but not `here`, is passed over and keeps its place. */
  first(now: number, here?: HostReadiness<T>): T | undefined {
    return this.#search(now, here).found;
  }

  /** Takes note that whoever was first was given a request, and gives it its next place. */
  serve(): void {
    const served = this.#found;
    if (served === undefined || served.left) return;
    served.left = true;
    this.#front = served.place;
    this.#place(served);
  }

  /** When somebody comes back at the earliest, or now; undefined when nobody does whose time is known. */
  nextFree(now: number, here?: HostReadiness<T>): number | undefined {
    const { found, passedUntil } = this.#search(now, here);
    if (found !== undefined) return now;
    const backAt = Math.min(passedUntil, this.#nextBack(now));
    return backAt === Infinity ? undefined : backAt;
  }

  /** Whether somebody is waited for of whom nobody knows when he is done. */
  get hasBusy(): boolean {
    return this.#busy > 0;
  }

  /** Looks for the first who can serve; those who are passed over keep their places. */
  #search(
    now: number,
    here?: HostReadiness<T>,
  ): { readonly found: T | undefined; readonly passedUntil: number } {
    this.#comeBack(now);
    const passed: QueuePosition<T>[] = [];
    let passedUntil = Infinity;
    this.#found = undefined;
    for (let top = this.#ready.peek(); top !== undefined; top = this.#ready.peek()) {
      const standing = this.#standingOf(top, now);
      if (standing === "ready") {
        const readiness = here?.(top.who) ?? "ready";
        this.#found = readiness === "ready" ? top : undefined;
        if (readiness === "ready") break;
        passed.push(top);
        passedUntil = Math.min(passedUntil, readiness === "busy" ? now + busyRetryDelay : readiness.from);
      }
      this.#ready.pop();
      this.#move(top, standing);
    }
    for (const place of passed) this.#ready.push(place);
    return { found: this.#found?.who, passedUntil };
  }

  /** Sees to one who was taken out because it cannot serve. */
  #move(top: QueuePosition<T>, standing: Readiness | "gone" | "moved"): void {
    if (standing === "moved") this.#place(top);
    else if (standing !== "gone" && standing !== "ready") this.#setAside(top, standing);
  }

  #comeBack(now: number): void {
    for (let top = this.#absent.peek(); top !== undefined && top.until <= now; top = this.#absent.peek()) {
      this.#absent.pop();
      this.#place(top.had);
    }
  }

  /** When the first of those who rest comes back; rests may have become longer since, or shorter. */
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

  /** Gives one that stood in line its next place. */
  #place({ who, place: before, uses }: QueuePosition<T>): void {
    const { rotation, random } = this.#options;
    const { lastUsed, weight } = who;
    const [turn, front] = [this.#turn, this.#front];
    const place = rotation({ before, since: who.uses - uses, lastUsed, weight, turn, front }, random);
    this.#ready.push({ who, place, turn, uses: who.uses, left: false });
    this.#turn += 1;
  }

  #standingOf({ who, uses, left }: QueuePosition<T>, now: number): Readiness | "gone" | "moved" {
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
