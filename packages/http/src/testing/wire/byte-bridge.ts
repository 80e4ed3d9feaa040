import { Duplex } from "node:stream";

/**
 * Wraps a stream in another one with the same bytes in both directions. Node's HTTP/2 takes over the socket that it is
 * given. With a bridge the socket stays free, so that scripted frames can be written between Node's own.
 */
export function bridge(below: Duplex): Duplex {
  const above = new Duplex({
    read: () => below.resume(),
    write: (chunk: Buffer, _, done) => {
      below.write(chunk, done);
    },
    final: (done) => {
      below.end(done);
    },
    destroy: (error, done) => {
      below.destroy();
      done(error);
    },
  });
  below.on("data", (chunk: Buffer) => {
    if (!above.push(chunk)) below.pause();
  });
  below.on("end", () => above.push(null)).on("close", () => above.destroy());
  return above;
}
