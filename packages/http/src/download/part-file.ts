import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { open, readFile, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { IncompleteBodyError } from "../errors/transport-errors.ts";
import { DigestError, DiskFullError } from "../errors/file-errors.ts";
import type { ResponseHeaders } from "../model/headers.ts";
import {
  findContinuation,
  type ContinuationInfo,
  toPartialRepresentation,
  isEncoded,
  declaredLength,
  type PartialRepresentation,
} from "../resume/continuation.ts";
import type { StreamedResponse } from "../model/streamed-response.ts";
import { digestAlgorithms, parseDigestHeaders, type Digest } from "./digest.ts";
import { withFileErrors, readDiskSpace } from "./disk.ts";
import {
  formatSidecar,
  toContinuablePart,
  parseSidecar,
  reliableBytes,
  unsyncedBytes,
  type Sidecar,
} from "./sidecar.ts";

// Half of the bytes that may be lost, because a piece that is being written may exceed the limit.
const syncBytes = unsyncedBytes / 2;

// Space that stays free for logs and other programs.
const reserveBytes = 64 * 1024 * 1024;
const reserveShare = 0.05;

/** The path of a file, and its expected digests. */
export interface DownloadTarget {
  readonly path: string;
  /** The digests that the caller expects. */
  readonly digests: readonly Digest[];
}

/**
 * A file that is being written: `path.part`, with `path.part.json` next to it, until it is complete.
 *
 * The order of the writes makes it safe. The sidecar is on the disk before the first byte that it describes. It is removed
 * or replaced before the first byte of another representation. Bytes are written in order, and synced every 16 MiB. The
 * file gets its name when all of its bytes are on the disk.
 */
export class PartFile {
  readonly #target: DownloadTarget;
  readonly #handle: FileHandle;
  readonly #boot: string | undefined;
  #sidecar: Sidecar | undefined;
  /** The part that an earlier download left. */
  readonly partial: PartialRepresentation | undefined;
  #hashes: readonly { readonly digest: Digest; readonly hash: Hash }[] = [];
  #position = 0;
  #synced = 0;
  /** The position at which the free space is checked again. */
  #nextSpaceCheck = 0;
  #total: number | undefined;
  #resumedFrom = 0;
  #closed = false;

  private constructor(target: DownloadTarget, handle: FileHandle, found: PartState) {
    this.#target = target;
    this.#handle = handle;
    this.#boot = found.boot;
    this.#sidecar = found.sidecar;
    this.partial = found.partial;
  }

  /** Opens the part of a file, and reads its state. Changes nothing until a response arrives. */
  static async open(target: DownloadTarget): Promise<PartFile> {
    const { O_RDWR, O_CREAT } = constants;
    const handle = await withFileErrors(target.path, () => open(partPath(target), O_RDWR | O_CREAT));
    try {
      return new PartFile(target, handle, await PartFile.#readState(target, handle));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  static async #readState(target: DownloadTarget, handle: FileHandle): Promise<PartState> {
    const boot = await readTextFile("/proc/sys/kernel/random/boot_id");
    const sidecar = parseSidecar((await readTextFile(sidecarPath(target))) ?? "");
    const { size } = await handle.stat();
    const partial =
      sidecar === undefined
        ? undefined
        : toContinuablePart(sidecar, reliableBytes(size, sidecar, boot?.trim()));
    return { sidecar, partial, boot: boot?.trim() };
  }

  /** Number of bytes in the part. */
  get received(): number {
    return this.#position;
  }

  /** Size of the complete file in bytes, if known. */
  get total(): number | undefined {
    return this.#total;
  }

  /** Number of bytes that an earlier download left. */
  get resumedFrom(): number {
    return this.#resumedFrom;
  }

  /** Prepares for the body of a response, which continues the part or replaces it. */
  async begin(response: StreamedResponse): Promise<void> {
    const continued = findContinuation(response);
    await withFileErrors(this.#target.path, () =>
      continued === undefined ? this.#restart(response) : this.#continue(response, continued),
    );
    await this.#checkSpace();
  }

  /** Removes all bytes, because the body contradicted its head. */
  async invalidate(): Promise<void> {
    this.#sidecar = undefined;
    await withFileErrors(this.#target.path, async () => {
      await this.#writeSidecar();
      await this.#truncate(0);
    });
    this.#hashes = [];
    this.#total = undefined;
    this.#resumedFrom = 0;
  }

  /** Writes the next bytes. */
  async write(piece: Uint8Array): Promise<void> {
    await withFileErrors(this.#target.path, async () => {
      let written = 0;
      while (written < piece.length) {
        const { bytesWritten } = await this.#handle.write(
          piece,
          written,
          piece.length - written,
          this.#position,
        );
        written += bytesWritten;
        this.#position += bytesWritten;
      }
    });
    for (const { hash } of this.#hashes) hash.update(piece);
    if (this.#position - this.#synced >= syncBytes) await this.#sync();
    if (this.#position >= this.#nextSpaceCheck) await this.#checkSpace();
  }

  /**
   * Checks the length and the digests, then gives the file its name. `confirm` runs last before that.
   *
   * @throws IncompleteBodyError; the error of `confirm`; DigestError, after removing the part, so that the next download
   * starts from the beginning.
   */
  async finish(confirm: () => Promise<void>): Promise<void> {
    if (this.#position !== (this.#total ?? this.#position))
      throw new IncompleteBodyError(this.#position, this.#total);
    for (const { digest, hash } of this.#hashes) {
      const actual = hash.digest("hex");
      if (actual === digest.hex) continue;
      await this.remove();
      throw new DigestError(this.#target.path, { algorithm: digest.algorithm, expected: digest.hex, actual });
    }
    await withFileErrors(this.#target.path, () => this.#handle.sync());
    await confirm();
    this.#closed = true;
    await this.#handle.close();
    await withFileErrors(this.#target.path, () => rename(partPath(this.#target), this.#target.path));
    await syncParentFolder(this.#target.path);
    await rm(sidecarPath(this.#target), { force: true });
  }

  /** Removes the part and its sidecar. */
  async remove(): Promise<void> {
    await this.close();
    await rm(partPath(this.#target), { force: true });
    await rm(sidecarPath(this.#target), { force: true });
  }

  /** Closes the part. It stays on the disk unless it is empty. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    let size: number | undefined;
    try {
      ({ size } = await this.#handle.stat());
    } finally {
      await this.#handle.close();
    }
    if (size === 0) await this.remove();
  }

  async #restart(response: StreamedResponse): Promise<void> {
    const { headers, status, url } = response;
    const digests = isEncoded(headers) ? [] : parseDigestHeaders(headers, status);
    await this.#truncate(0);
    const partial = toPartialRepresentation(response, url, 0);
    this.#sidecar = partial && { ...partial, digests, boot: this.#boot };
    await this.#writeSidecar();
    this.#total = isEncoded(headers) ? undefined : declaredLength(headers);
    this.#resumedFrom = 0;
    this.#hashes = this.#hashesFor(digests);
  }

  async #continue(
    { headers }: { readonly headers: ResponseHeaders },
    { offset, total }: ContinuationInfo,
  ): Promise<void> {
    const digests = [...(this.#sidecar?.digests ?? []), ...parseDigestHeaders(headers, 206)];
    await this.#truncate(offset);
    this.#total = total;
    this.#resumedFrom = offset;
    this.#hashes = this.#hashesFor(digests);
    if (this.#hashes.length > 0) await this.#hashBefore(offset);
  }

  async #truncate(offset: number): Promise<void> {
    await this.#handle.truncate(offset);
    await this.#handle.datasync();
    this.#position = offset;
    this.#synced = offset;
  }

  async #writeSidecar(): Promise<void> {
    const path = sidecarPath(this.#target);
    if (this.#sidecar === undefined) await rm(path, { force: true });
    else await writeSynced(path, formatSidecar(this.#sidecar));
    await syncParentFolder(path);
  }

  #hashesFor(digests: readonly Digest[]): readonly { readonly digest: Digest; readonly hash: Hash }[] {
    return [...this.#target.digests, ...digests].map((digest) => ({
      digest,
      hash: createHash(digestAlgorithms[digest.algorithm].node),
    }));
  }

  async #hashBefore(offset: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(1024 * 1024);
    for (let at = 0; at < offset;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, Math.min(buffer.length, offset - at), at);
      if (bytesRead === 0) throw new IncompleteBodyError(at, offset);
      for (const { hash } of this.#hashes) hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  }

  async #sync(): Promise<void> {
    await withFileErrors(this.#target.path, () => this.#handle.datasync());
    this.#synced = this.#position;
  }

  /** @throws DiskFullError if the remaining bytes would not leave the reserve free. */
  async #checkSpace(): Promise<void> {
    const { free, size } = await readDiskSpace(this.#target.path);
    const reserve = Math.min(reserveBytes, size * reserveShare);
    // The bytes between two checks may use at most half of the reserve.
    this.#nextSpaceCheck = this.#position + Math.min(syncBytes, reserve / 2);
    const need = this.#total === undefined ? undefined : this.#total - this.#position;
    if (need === 0) return;
    if ((need ?? 0) + reserve > free) throw new DiskFullError(this.#target.path, { need, free });
  }
}

/** The state of a part that an earlier download left. */
interface PartState {
  readonly sidecar: Sidecar | undefined;
  readonly partial: PartialRepresentation | undefined;
  readonly boot: string | undefined;
}

function partPath({ path }: DownloadTarget): string {
  return `${path}.part`;
}

function sidecarPath({ path }: DownloadTarget): string {
  return `${path}.part.json`;
}

async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  const handle = await open(draft, "w");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, path);
}

/** Syncs the names in a folder to the disk, on platforms that can. */
async function syncParentFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
