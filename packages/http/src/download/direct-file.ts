import type { Clock } from "@holdfast/policy";
import { IncompleteBodyError } from "../errors/transport-errors.ts";
import { DirectOutput, type WaitForReader } from "../files/direct-output.ts";
import type { TypedPath } from "../files/typed-path.ts";
import type { RecycledMemory } from "../model/body-memory.ts";
import type { BodyStream } from "../model/body-stream.ts";
import { type Digest, parseDigestHeaders } from "../model/digest.ts";
import type { StreamedResponse } from "../model/streamed-response.ts";
import { declaredLength, isEncoded } from "../resume/continuation.ts";
import { DigestCheck } from "./digest-check.ts";

/** A special file, and what is needed to write a body to it. */
export interface DirectTarget {
  readonly target: TypedPath;
  /** The digests that the caller expects. */
  readonly digests: readonly Digest[];
  readonly clock: Clock;
  readonly bodyMemory: RecycledMemory;
  readonly waitForReader: WaitForReader;
}

/**
 * A FIFO, a character device or an open file of this process that receives a body as it arrives. There is no part, no lock
 * and no sync, and nothing to continue for a later download.
 */
export class DirectFile {
  readonly #target: DirectTarget;
  readonly #output: DirectOutput;
  #digests = new DigestCheck([]);
  #received = 0;
  #total: number | undefined;

  private constructor(target: DirectTarget, output: DirectOutput) {
    this.#target = target;
    this.#output = output;
  }

  /** Opens the file. Waits until a FIFO has a reader. */
  static async open(target: DirectTarget): Promise<DirectFile> {
    return new DirectFile(target, await DirectOutput.open(target.target, target));
  }

  /** Number of bytes that were written. */
  get received(): number {
    return this.#received;
  }

  /** Size of the body in bytes, if known. */
  get total(): number | undefined {
    return this.#total;
  }

  /** Prepares for the body of a response. */
  begin({ headers, status }: StreamedResponse): Promise<void> {
    const digests = isEncoded(headers) ? [] : parseDigestHeaders(headers, status);
    this.#digests = new DigestCheck([...this.#target.digests, ...digests]);
    this.#total = isEncoded(headers) ? undefined : declaredLength(headers);
    return Promise.resolve();
  }

  /** Does nothing: the reader has the bytes. */
  invalidate(): Promise<void> {
    return Promise.resolve();
  }

  /** Writes a body to its end, and calls `written` after each write. @throws the error of the body, the file or `written`. */
  async fill(body: BodyStream, written: () => void): Promise<void> {
    for await (const piece of body) {
      this.#digests.update(piece);
      await this.#output.write(piece);
      this.#received += piece.length;
      this.#target.bodyMemory.release(piece);
      written();
    }
  }

  /** Checks the length and the digests. @throws IncompleteBodyError or DigestError; the reader has the bytes then. */
  finish(): void {
    if (this.received !== (this.#total ?? this.received))
      throw new IncompleteBodyError(this.received, this.#total);
    const mismatch = this.#digests.findMismatch(this.#target.target.path);
    if (mismatch !== undefined) throw mismatch;
  }

  close(): Promise<void> {
    return this.#output.close();
  }
}
