import { channel } from "node:diagnostics_channel";
import { channelNames } from "@holdfast/http";
import { warn } from "@holdfast/http/internal";
import type { ProxyEvent, ProxyListener } from "../options/events.ts";

const proxyChannel = channel(channelNames.proxy);
const mishap = { what: "A listener of a proxy pool threw", code: "HOLDFAST_PROXY_LISTENER" } as const;

/** Keeps what happens until it may be told: a listener sees nothing half done. */
export class EventQueue {
  readonly #listener: ProxyListener | undefined;
  #events: ProxyEvent[] = [];
  #hasWarned = false;

  constructor(listener: ProxyListener | undefined) {
    this.#listener = listener;
  }

  add(event: ProxyEvent): void {
    this.#events.push(event);
  }

  /** Tells of what has happened, when all of it is done. A listener that throws ends nothing: the first time, a warning of the process tells of it. */
  flush(): void {
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    for (const event of events) {
      this.#tell(event);
      if (proxyChannel.hasSubscribers) proxyChannel.publish(event);
    }
  }

  #tell(event: ProxyEvent): void {
    try {
      this.#listener?.(event);
    } catch (error) {
      if (!this.#hasWarned) warn(mishap, error);
      this.#hasWarned = true;
    }
  }
}
