import { closeSync, constants, fstatSync, readFileSync } from "node:fs";
import { type FileHandle, readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Clock } from "@holdfast/policy";
import { IncompleteBodyError } from "../errors/transport-errors.ts";
import { DiskFullError } from "../errors/file-errors.ts";
import type { ResponseHeaders } from "../model/headers.ts";
import {
  findContinuation,
  type ContinuationInfo,
  toPartialRepresentation,
  isEncoded,
  declaredLength,
  type PartialRepresentation,
} from "../resume/continuation.ts";
import type { RecycledMemory } from "../model/body-memory.ts";
import type { BodyStream } from "../model/body-stream.ts";
import type { StreamedResponse } from "../model/streamed-response.ts";
import { parseDigestHeaders, type Digest } from "../model/digest.ts";
import { withFileErrors, readDiskSpace } from "../files/disk.ts";
import type { Folder } from "../files/folder.ts";
import { clearForeign, openOwnFile, replaceByNewFile, takeOverHandle } from "../files/own-file.ts";
import { readNewFileMode } from "../files/umask.ts";
import { DigestCheck } from "./digest-check.ts";
import { FileWriter, type FileWriterEvents, type WritableFile } from "./file-writer.ts";
import {
  formatSidecar,
  toContinuablePart,
  parseSidecar,
  reliableBytes,
  unsyncedBytes,
  type Sidecar,
} from "./sidecar.ts";

// The most bytes between two checks of the free space.
const spaceCheckBytes = 16 * 1024 * 1024;

// Space that stays free for logs and other programs.
const reserveBytes = 64 * 1024 * 1024;
const reserveShare = 0.05;

// A sidecar has a validator, some digests and a hash.
const maxSidecarBytes = 64 * 1024;

/** The path of a file, and its expected digests. */
export interface DownloadTarget {
  readonly path: string;
  /** The folder of the file. */
  readonly folder: Folder;
  /** The digests that the caller expects. */
  readonly digests: readonly Digest[];
  readonly clock: Clock;
  readonly bodyMemory: RecycledMemory;
}

/**
 * A file that is being written: `path.part`, with `path.part.json` next to it, until it is complete.
 *
 * The order of the writes makes it safe. The sidecar is on the disk before the first byte that it describes. It is removed
 * or replaced before the first byte of another representation. Bytes are written in order, and at most 32 MiB of them
 * are not synced yet. The file gets its name when all of its bytes are on the disk.
 *
 * Other users may write to the folder, too. The part and its sidecar are used only if they are regular files of this user.
 */
export class PartFile {
  readonly #target: DownloadTarget;
  readonly #handle: FileHandle;
  readonly #boot: string | undefined;
  #sidecar: Sidecar | undefined;
  /** The part that an earlier download left. */
  readonly partial: PartialRepresentation | undefined;
  #digests = new DigestCheck([]);
  readonly #writer: FileWriter;
  /** What happens when bytes were written, or could not be. */
  #events: Pick<FileWriterEvents, "written" | "failed"> = {
    written: () => undefined,
    failed: () => undefined,
  };
  /** The position at which the free space is checked again. */
  #nextSpaceCheck = 0;
  #total: number | undefined;
  #resumedFrom = 0;
  #closed = false;

  private constructor(target: DownloadTarget, handle: FileHandle, found: PartState) {
    this.#target = target;
    this.#handle = handle;
    this.#writer = new FileWriter({
      file: toWritableFile(target.path, handle),
      clock: target.clock,
      bodyMemory: target.bodyMemory,
      maxUnsynced: unsyncedBytes,
      events: {
        prepare: (bytes) => this.#prepare(bytes),
        written: () => this.#events.written(),
        failed: (error) => this.#events.failed(error),
      },
    });
    this.#boot = found.boot;
    this.#sidecar = found.sidecar;
    this.partial = found.partial;
  }

  /** Opens the part of a file, and reads its state. Changes nothing until a response arrives. */
  static async open(target: DownloadTarget): Promise<PartFile> {
    const { folder, path } = target;
    const handle = await withFileErrors(path, async () => {
      clearForeign(folder, sidecarName(target));
      clearForeign(folder, draftName(target));
      return takeOverHandle(folder, partName(target));
    });
    try {
      return new PartFile(target, handle, await PartFile.#readState(target, handle));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  static async #readState(target: DownloadTarget, handle: FileHandle): Promise<PartState> {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => undefined);
    const sidecar = parseSidecar(readSidecar(target));
    const { size } = await handle.stat();
    const partial =
      sidecar === undefined
        ? undefined
        : toContinuablePart(sidecar, reliableBytes(size, sidecar, boot?.trim()));
    return { sidecar, partial, boot: boot?.trim() };
  }

  /** Number of bytes in the part. */
  get received(): number {
    return this.#writer.position;
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
    await this.#checkSpace(0);
  }

  /** Removes all bytes, because the body contradicted its head. */
  async invalidate(): Promise<void> {
    this.#sidecar = undefined;
    await withFileErrors(this.#target.path, async () => {
      await this.#writeSidecar();
      await this.#writer.truncate(0);
    });
    this.#digests = new DigestCheck([]);
    this.#total = undefined;
    this.#resumedFrom = 0;
  }

  /**
   * Writes a body to its end, and calls `written` after each write. If the disk refuses the bytes or `written` throws, the
   * body is cancelled.
   *
   * @throws the error of the body, of the disk, or of `written`. The bytes before a broken end stay in the part.
   */
  async fill(body: BodyStream, written: () => void): Promise<void> {
    this.#events = { written, failed: (error) => void body.cancel(error) };
    for await (const piece of body) {
      this.#digests.update(piece);
      await this.#writer.write(piece);
    }
    await this.#writer.flush();
  }

  /**
   * Checks the length and the digests, then gives the file its name. `confirm` runs last before that.
   *
   * @throws IncompleteBodyError; the error of `confirm`; DigestError, after removing the part, so that the next download
   * starts from the beginning.
   */
  async finish(confirm: () => void): Promise<void> {
    if (this.received !== (this.#total ?? this.received))
      throw new IncompleteBodyError(this.received, this.#total);
    const mismatch = this.#digests.findMismatch(this.#target.path);
    if (mismatch !== undefined) {
      await this.remove();
      throw mismatch;
    }
    const { folder, path } = this.#target;
    await withFileErrors(path, async () => {
      await this.#applyFinalMode();
      await this.#handle.sync();
    });
    confirm();
    this.#closed = true;
    await this.#handle.close();
    await withFileErrors(path, async () => {
      folder.rename(partName(this.#target), basename(path));
      folder.sync();
      folder.unlink(sidecarName(this.#target));
    });
  }

  /** Gives the complete file the permissions of the file that it replaces, or those that the umask leaves. */
  async #applyFinalMode(): Promise<void> {
    if (process.platform === "win32") return;
    const { folder, path } = this.#target;
    const replaced = folder.lstat(basename(path));
    const keeps = replaced?.isFile() === true && folder.isOwn(replaced);
    await this.#handle.chmod(keeps ? replaced.mode & 0o777 : readNewFileMode(folder));
  }

  /** Removes the part and its sidecar. */
  async remove(): Promise<void> {
    await this.close();
    this.#target.folder.unlink(partName(this.#target));
    this.#target.folder.unlink(sidecarName(this.#target));
  }

  /** Closes the part. It stays on the disk unless it is empty. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    let size: number | undefined;
    try {
      await this.#writer.settle();
      ({ size } = await this.#handle.stat());
    } finally {
      await this.#handle.close();
    }
    if (size === 0) await this.remove();
  }

  async #restart(response: StreamedResponse): Promise<void> {
    const { headers, status, url } = response;
    const digests = isEncoded(headers) ? [] : parseDigestHeaders(headers, status);
    await this.#writer.truncate(0);
    const partial = toPartialRepresentation(response, url, 0);
    this.#sidecar = partial && { ...partial, digests, boot: this.#boot };
    await this.#writeSidecar();
    this.#total = isEncoded(headers) ? undefined : declaredLength(headers);
    this.#resumedFrom = 0;
    this.#digests = this.#checkFor(digests);
  }

  async #continue(
    { headers }: { readonly headers: ResponseHeaders },
    { offset, total }: ContinuationInfo,
  ): Promise<void> {
    const digests = [...(this.#sidecar?.digests ?? []), ...parseDigestHeaders(headers, 206)];
    await this.#writer.truncate(offset);
    this.#total = total;
    this.#resumedFrom = offset;
    this.#digests = this.#checkFor(digests);
    if (!this.#digests.isEmpty) await this.#hashBefore(offset);
  }

  async #writeSidecar(): Promise<void> {
    const { folder } = this.#target;
    const name = sidecarName(this.#target);
    if (this.#sidecar === undefined) folder.unlink(name);
    else await this.#replaceSidecar(formatSidecar(this.#sidecar));
    folder.sync();
  }

  async #replaceSidecar(text: string): Promise<void> {
    const { folder } = this.#target;
    const draft = draftName(this.#target);
    const handle = await replaceByNewFile(folder, draft);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    folder.rename(draft, sidecarName(this.#target));
  }

  #checkFor(digests: readonly Digest[]): DigestCheck {
    return new DigestCheck([...this.#target.digests, ...digests]);
  }

  async #hashBefore(offset: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(1024 * 1024);
    for (let at = 0; at < offset;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, Math.min(buffer.length, offset - at), at);
      if (bytesRead === 0) throw new IncompleteBodyError(at, offset);
      this.#digests.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  }

  /** Checks the free space before bytes are written, unless the last check covers them. */
  async #prepare(bytes: number): Promise<void> {
    if (this.received + bytes > this.#nextSpaceCheck) await this.#checkSpace(bytes);
  }

  /** @throws DiskFullError if the rest of the file, or the next bytes, would not leave the reserve free. */
  async #checkSpace(nextBytes: number): Promise<void> {
    const { free, size } = await readDiskSpace(this.#target.path);
    const reserve = Math.min(reserveBytes, size * reserveShare);
    // The bytes between two checks may use at most half of the reserve.
    this.#nextSpaceCheck = this.received + Math.min(spaceCheckBytes, reserve / 2);
    const need = this.#total === undefined ? undefined : this.#total - this.received;
    if (need === 0) return;
    if ((need ?? nextBytes) + reserve > free) throw new DiskFullError(this.#target.path, { need, free });
  }
}

/** The state of a part that an earlier download left. */
interface PartState {
  readonly sidecar: Sidecar | undefined;
  readonly partial: PartialRepresentation | undefined;
  readonly boot: string | undefined;
}

/** Returns the operations of a handle, with errors that name the file. */
function toWritableFile(path: string, handle: FileHandle): WritableFile {
  return {
    writev: (pieces, position) => withFileErrors(path, () => handle.writev(pieces, position)),
    datasync: () => withFileErrors(path, () => handle.datasync()),
    truncate: (length) => withFileErrors(path, () => handle.truncate(length)),
  };
}

function partName({ path }: DownloadTarget): string {
  return `${basename(path)}.part`;
}

function sidecarName(target: DownloadTarget): string {
  return `${partName(target)}.json`;
}

function draftName(target: DownloadTarget): string {
  return `${sidecarName(target)}.new`;
}

/** Reads the sidecar; an empty text if it is missing or may not be trusted. */
function readSidecar(target: DownloadTarget): string {
  const found = openOwnFile(target.folder, sidecarName(target), constants.O_RDONLY);
  if (found === "missing" || "foreign" in found) return "";
  try {
    return fstatSync(found.fd).size <= maxSidecarBytes ? readFileSync(found.fd, "utf8") : "";
  } finally {
    closeSync(found.fd);
  }
}
