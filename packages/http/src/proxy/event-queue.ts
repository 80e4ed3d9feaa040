import { tellProxy } from "../channels.ts";
import type { ProxyEvent, ProxyListener } from "./events.ts";

/** Keeps what happens until it may be told: a listener that throws leaves nothing half done. */
export class EventQueue {
  readonly #listener: ProxyListener | undefined;
  #events: ProxyEvent[] = [];

  constructor(listener: ProxyListener | undefined) {
    this.#listener = listener;
  }

  add(event: ProxyEvent): void {
    this.#events.push(event);
  }

  /** Tells of what has happened, when all of it is done. @throws what the listener throws. */
  flush(): void {
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    for (const event of events) {
      this.#listener?.(event);
      tellProxy(event);
    }
  }
}
