import { duplexPair, type Duplex } from "node:stream";
import { systemClock } from "@holdfast/policy";
import { startTimer } from "@holdfast/policy/internal";

/** The client's end of a connection inside this process, with the methods of a socket that node:http and its users call. */
export interface VirtualSocket extends Duplex {
  /** Starts the time limit of silence again. */
  touch(): void;
}

/** Returns the two ends of a connection inside this process. */
export function openVirtualSocket(isSecure: boolean): readonly [client: VirtualSocket, server: Duplex] {
  const [client, server] = duplexPair();
  let stopTimer = (): void => undefined;
  let limit = 0;
  const touch = (): void => {
    stopTimer();
    if (limit > 0 && !client.destroyed)
      stopTimer = startTimer(systemClock, limit, () => client.emit("timeout"));
  };
  const self = (): Duplex => client;
  client.once("close", () => {
    stopTimer();
    server.destroy();
  });
  const socket = Object.assign(client, {
    connecting: false,
    ...(isSecure && { encrypted: true, authorized: true }),
    setTimeout: (ms: number, listener?: () => void): Duplex => {
      limit = ms;
      if (listener !== undefined) client.once("timeout", listener);
      touch();
      return client;
    },
    setNoDelay: self,
    setKeepAlive: self,
    ref: self,
    unref: self,
    touch,
  });
  return [socket, server];
}
