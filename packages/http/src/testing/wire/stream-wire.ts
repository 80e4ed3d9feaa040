import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { MaybePromise } from "./play.ts";
import { sleepOn, until } from "./stream-waits.ts";

/** The steps that are the same on an HTTP/1 connection and on an HTTP/2 stream. */
export abstract class StreamWire<S extends Duplex> {
  muted = false;
  protected readonly stream: S;
  protected readonly raw: Socket;
  protected ended = false;

  constructor(stream: S, raw: Socket) {
    this.stream = stream;
    this.raw = raw;
  }

  get over(): boolean {
    return this.ended || this.stream.destroyed || this.raw.destroyed;
  }

  send(bytes: Buffer): MaybePromise {
    if (this.over || this.stream.write(bytes)) return undefined;
    return until(this.stream, "drain");
  }

  sleep(duration: number): Promise<void> {
    return sleepOn(this.stream, duration);
  }
}
