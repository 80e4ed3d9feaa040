import type { ByteSource } from "./byte-source.ts";

/** The unread part of a request's body: bytes or chunks (RFC 9112 §6.3). */
type Left =
  | { readonly at: "bytes"; readonly count: number }
  | { readonly at: "chunk"; readonly count: number }
  | { readonly at: "size" }
  | { readonly at: "done" };

/** Reads one HTTP/1 request body, as far as requested. */
export class ReceivedBody {
  readonly #source: ByteSource;
  readonly #parts: Buffer[] = [];
  #left: Left;

  constructor(source: ByteSource, headers: Readonly<Record<string, string>>) {
    this.#source = source;
    this.#left = framing(headers);
  }

  /** Whether the end of the body was read. */
  get complete(): boolean {
    return this.#left.at === "done";
  }

  /** Returns the bytes read so far. */
  bytes(): Buffer {
    const [first] = this.#parts;
    return first && this.#parts.length === 1 ? first : Buffer.concat(this.#parts);
  }

  /** Reads up to `limit` further bytes. Returns early if the peer leaves or sends an invalid chunk. */
  async read(limit: number): Promise<void> {
    let wanted = limit;
    while (wanted > 0 && this.#left.at !== "done") {
      if (this.#left.at === "size") {
        if (!(await this.#nextChunk())) return;
        continue;
      }
      if (this.#source.pending.length === 0 && !(await this.#source.more())) return;
      const part = this.#source.take(Math.min(this.#left.count, wanted));
      this.#parts.push(part);
      wanted -= part.length;
      this.#left = after(this.#left, part.length);
    }
  }

  async #nextChunk(): Promise<boolean> {
    const line = (await this.#line()) || (this.#parts.length > 0 ? await this.#line() : "");
    if (!/^[0-9a-f]+\s*(;|$)/i.test(line ?? "")) return false;
    const count = Number.parseInt(line ?? "", 16);
    if (count > 0) this.#left = { at: "chunk", count };
    else return this.#trailers();
    return true;
  }

  async #trailers(): Promise<boolean> {
    for (;;) {
      const line = await this.#line();
      if (line === undefined) return false;
      if (line === "") break;
    }
    this.#left = { at: "done" };
    return true;
  }

  async #line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#source.pending.indexOf("\r\n");
      if (end >= 0) return this.#source.take(end + 2).toString("latin1", 0, end);
      if (!(await this.#source.more())) return undefined;
    }
  }
}

function framing(headers: Readonly<Record<string, string>>): Left {
  if (/\bchunked$/i.test(headers["transfer-encoding"] ?? "")) return { at: "size" };
  const count = Number(headers["content-length"] ?? 0);
  return count > 0 ? { at: "bytes", count } : { at: "done" };
}

function after(left: { readonly at: "bytes" | "chunk"; readonly count: number }, taken: number): Left {
  if (taken < left.count) return { at: left.at, count: left.count - taken };
  return left.at === "chunk" ? { at: "size" } : { at: "done" };
}
