import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";

/** Receives the stream of one exchange. */
export interface StreamWatcher {
  watch(stream: ClientHttp2Stream): void;
}

/** Observes an HTTP/2 session behind undici: the stream of each exchange, and the last stream that a GOAWAY includes. */
export class SessionTracker {
  /** The last stream that a GOAWAY includes as processed (RFC 9113 §6.8); undefined before a GOAWAY. */
  lastGoawayStream: number | undefined;
  /** The exchange that undici is sending. undici creates its stream before it starts with another exchange. */
  startingRequest: StreamWatcher | undefined;

  /** Whether a GOAWAY has arrived. */
  get hasGoaway(): boolean {
    return this.lastGoawayStream !== undefined;
  }

  watch(session: ClientHttp2Session): void {
    session.prependListener("goaway", (_code: number, lastStream: number) => {
      this.lastGoawayStream = lastStream;
    });
    const request = session.request.bind(session);
    session.request = (...args) => {
      const stream = request(...args);
      this.startingRequest?.watch(stream);
      this.startingRequest = undefined;
      return stream;
    };
  }
}
