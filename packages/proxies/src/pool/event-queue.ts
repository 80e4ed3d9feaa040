import { channel } from "node:diagnostics_channel";
import { channelNames } from "@holdfast/http";
import { warn } from "@holdfast/http/internal";
import type { ProxyEvent, ProxyListener } from "../options/events.ts";

const proxyChannel = channel(channelNames.proxy);
const listenerFailed = {
  what: "A listener of a proxy pool threw",
  code: "HOLDFAST_PROXY_LISTENER",
} as const;

/** Holds events back until an operation is complete, so that listeners see a consistent pool. */
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

  /** Delivers the queued events to the listener and the channel. An error of the listener becomes one process warning. */
  flush(): void {
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    for (const event of events) {
      this.#deliver(event);
      if (proxyChannel.hasSubscribers) proxyChannel.publish(event);
    }
  }

  #deliver(event: ProxyEvent): void {
    try {
      this.#listener?.(event);
    } catch (error) {
      if (!this.#hasWarned) warn(listenerFailed, error);
      this.#hasWarned = true;
    }
  }
}
