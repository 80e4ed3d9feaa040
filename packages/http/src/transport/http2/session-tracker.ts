import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";

/** Something that watches the stream of one exchange. */
export interface StreamWatcher {
  watch(stream: ClientHttp2Stream): void;
}

/** What is seen of an HTTP/2 connection past undici: which stream carries which exchange, and what a GOAWAY counts. */
export class SessionTracker {
  /** The last stream that a GOAWAY counts as acted on (RFC 9113 §6.8); undefined until one has come. */
  lastGoawayStream: number | undefined;
  /** Whose request undici has begun to send: it makes the stream before it begins with another. */
  startingRequest: StreamWatcher | undefined;

  /** Whether a GOAWAY has come. */
  get isLeaving(): boolean {
    return this.lastGoawayStream !== undefined;
  }

  watch(session: ClientHttp2Session): void {
    session.prependListener("goaway", (_code: number, lastStream: number) => {
      this.lastGoawayStream = lastStream;
    });
    const request = session.request.bind(session);
    session.request = (...how) => {
      const stream = request(...how);
      this.startingRequest?.watch(stream);
      this.startingRequest = undefined;
      return stream;
    };
  }
}
