import { Duplex } from "node:stream";

/**
 * The same bytes as the stream below, both ways. Node's HTTP/2 takes hold of the socket that it is given; on a bridge it leaves
 * the socket free, so that frames of one's own can be written between its own.
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
