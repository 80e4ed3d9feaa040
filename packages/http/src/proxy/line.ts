import type { Random } from "@holdfast/policy";
import { Heap } from "./heap.ts";
import type { Rotation } from "./rotation.ts";

/** Who can stand in a line. */
export interface Waiting {
  /** Requests that it was given so far. */
  readonly uses: number;
  /** The number of the latest request that it was given, of all that the pool has served. */
  readonly lastUsed: number;
  readonly weight: number;
  /** Whether it has left the pool. */
  readonly gone: boolean;
  /** Calls back when a request that it carried has ended. */
  whenDone(back: () => void): void;
}

/** Whether one in line can serve: now, from an instant on, or as soon as a request that it carries has ended. */
export type Readiness = "ready" | "busy" | { readonly from: number };

interface Place<T> {
  readonly who: T;
  readonly place: number;
  readonly turn: number;
  /** Its uses when the place was given. */
  readonly uses: number;
}

interface Absence<T> {
  readonly had: Place<T>;
  readonly until: number;
}

export interface LineOptions<T> {
  readonly rotation: Rotation;
  /** Whether a use elsewhere moves one back. */
  readonly followsUse: boolean;
  readonly random: Random;
  readonly readiness: (who: T, now: number) => Readiness;
}

/**
 * Proxies in the order of a rotation, those that rest apart from the others in the order in which they come back. Who is
 * found unable to serve is set aside once for each rest, so that a request costs O(log n), however many rest.
 */
export class Line<T extends Waiting> {
  readonly #options: LineOptions<T>;
  readonly #ready = new Heap<Place<T>>(
    (a, b) => a.place < b.place || (a.place === b.place && a.turn < b.turn),
  );
  readonly #absent = new Heap<Absence<T>>((a, b) => a.until < b.until);
  #busy = 0;
  #turn = 0;
  #front = 0;

  constructor(options: LineOptions<T>) {
    this.#options = options;
  }

  /** Puts a newcomer in line. */
  join(who: T): void {
    this.#place({ who, place: this.#front, turn: this.#turn, uses: who.uses });
  }

  /** Who serves next; undefined when nobody can. */
  first(now: number): T | undefined {
    this.#comeBack(now);
    for (let top = this.#ready.peek(); top !== undefined; top = this.#ready.peek()) {
      const standing = this.#standingOf(top, now);
      if (standing === "ready") return top.who;
      this.#ready.pop();
      if (standing === "moved") this.#place(top);
      else if (standing !== "gone") this.#setAside(top, standing);
    }
    return undefined;
  }

  /** Takes note that the first was given a request, and gives it its next place. */
  serve(): void {
    const served = this.#ready.pop();
    if (served === undefined) return;
    this.#front = served.place;
    this.#place(served);
  }

  /** When somebody comes back at the earliest, or now; undefined when nobody does whose time is known. */
  nextFree(now: number): number | undefined {
    if (this.first(now) !== undefined) return now;
    for (let top = this.#absent.peek(); top !== undefined; top = this.#absent.peek()) {
      const { had, until } = top;
      const readiness = this.#options.readiness(had.who, now);
      if (!had.who.gone && typeof readiness === "object" && readiness.from <= until) return until;
      this.#absent.pop();
      if (had.who.gone) continue;
      // It was let off its rest.
      if (readiness === "ready") return this.#return(had, now);
      this.#setAside(had, readiness);
    }
    return undefined;
  }

  /** Whether somebody is waited for of whom nobody knows when he is done. */
  get hasBusy(): boolean {
    return this.#busy > 0;
  }

  #comeBack(now: number): void {
    for (let top = this.#absent.peek(); top !== undefined && top.until <= now; top = this.#absent.peek()) {
      this.#absent.pop();
      this.#place(top.had);
    }
  }

  #return(had: Place<T>, now: number): number {
    this.#place(had);
    return now;
  }

  /** Gives one that stood in line its next place. */
  #place({ who, place: before, uses }: Place<T>): void {
    const { rotation, random } = this.#options;
    const { lastUsed, weight } = who;
    const [turn, front] = [this.#turn, this.#front];
    const place = rotation({ before, since: who.uses - uses, lastUsed, weight, turn, front }, random);
    this.#ready.push({ who, place, turn, uses: who.uses });
    this.#turn += 1;
  }

  #standingOf({ who, uses }: Place<T>, now: number): Readiness | "gone" | "moved" {
    if (who.gone) return "gone";
    if (this.#options.followsUse && uses !== who.uses) return "moved";
    return this.#options.readiness(who, now);
  }

  #setAside(had: Place<T>, readiness: Exclude<Readiness, "ready">): void {
    if (readiness !== "busy") return this.#absent.push({ had, until: readiness.from });
    this.#busy += 1;
    had.who.whenDone(() => {
      this.#busy -= 1;
      this.#place(had);
    });
  }
}
