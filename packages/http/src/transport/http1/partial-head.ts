import { MalformedResponse } from "./errors.ts";
import { parseHead, type ParsedHead } from "./head.ts";

const [lineFeed, carriageReturn] = [10, 13];
const statusLineStart = "HTTP/1.";

// Node's own 16 KiB is less than some sites send in cookies and policies; browsers stop at 256 KiB.
const maxResponseHeadBytes = 256 * 1024;

/** A head that comes in several pieces: each byte of it is looked at once, however small they are. */
export class PartialHead {
  #text = "";
  /** Bytes of the line so far, its CR left out. */
  #lineBytes = 0;

  /**
   * Reads bytes from `start` up to `stop`, and gives the place behind the empty line that ends the head; undefined where it goes on.
   *
   * @throws MalformedAnswer where it is too long, or cannot become a head.
   */
  read(bytes: Buffer, start: number, stop: number): number | undefined {
    const from = this.#text === "" ? skipEmptyLines(bytes, start, stop) : start;
    const end = this.#find(bytes, from, stop);
    const before = this.#text.length;
    this.#text += bytes.toString("latin1", from, end ?? stop);
    if (this.#text.length > maxResponseHeadBytes)
      throw new MalformedResponse("its head is larger than 256 KiB");
    // Only as long as it is short: to look at text that was put together is to copy all of it.
    if (
      before < statusLineStart.length &&
      !statusLineStart.startsWith(this.#text.slice(0, statusLineStart.length))
    )
      throw new MalformedResponse("it does not begin with a status line");
    return end;
  }

  /** The head, when all of it has come. */
  head(): ParsedHead {
    const head = parseHead(this.#text);
    if (head?.size !== this.#text.length) throw new MalformedResponse("a control character in its head");
    return head;
  }

  #find(bytes: Buffer, start: number, stop: number): number | undefined {
    for (let at = start; at < stop; at += 1) {
      const byte = bytes[at];
      if (byte === lineFeed) {
        if (this.#lineBytes === 0) return at + 1;
        this.#lineBytes = 0;
      } else if (byte !== carriageReturn) this.#lineBytes += 1;
    }
    return undefined;
  }
}

/** Empty lines before an answer are left over from the one before it, by servers that end a body with CRLF. */
function skipEmptyLines(bytes: Buffer, start: number, stop: number): number {
  let at = start;
  while (at < stop && (bytes[at] === carriageReturn || bytes[at] === lineFeed)) at += 1;
  return at;
}
