import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { open, readFile, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { IncompleteBodyError } from "../errors/transport-errors.ts";
import { DigestError, DiskFullError } from "../errors/file-errors.ts";
import type { ResponseHeaders } from "../model/headers.ts";
import { continuationOf, type ContinuationInfo } from "../resume/continued.ts";
import {
  toPartialRepresentation,
  isEncoded,
  declaredLength,
  type PartialRepresentation,
} from "../resume/continuation.ts";
import type { StreamedResponse } from "../model/streamed-response.ts";
import { algorithms, digestsIn, type Digest } from "./digest.ts";
import { onDisk, spaceFor } from "./disk.ts";
import {
  formatSidecar,
  heldOfPart,
  parseSidecar,
  reliableBytes,
  unsyncedBytes,
  type Sidecar,
} from "./sidecar.ts";

// Half of what may be lost: a piece that is being written may lie beyond.
const syncBytes = unsyncedBytes / 2;

// Enough that logs and other programs can go on.
const reserveBytes = 64 * 1024 * 1024;
const reserveShare = 0.05;

/** What a file must be, and where it goes. */
export interface Target {
  readonly path: string;
  /** What the caller says that it hashes to. */
  readonly digests: readonly Digest[];
}

/**
 * A file that is being written: `path.part` with `path.part.json` beside it, until it is whole.
 *
 * The order of its writes is what makes it safe. The sidecar is on the disk before the first byte that it speaks of, and
 * gone, or replaced, before the first byte of anything else. The bytes come one after the other, on the disk every
 * 16 MiB. The file gets its name when all of it is on the disk.
 */
export class PartFile {
  readonly #target: Target;
  readonly #handle: FileHandle;
  readonly #boot: string | undefined;
  #sidecar: Sidecar | undefined;
  /** What is here from before. */
  readonly held: PartialRepresentation | undefined;
  #hashes: readonly { readonly digest: Digest; readonly hash: Hash }[] = [];
  #position = 0;
  #synced = 0;
  /** Where the space is looked at again. */
  #lookAt = 0;
  #total: number | undefined;
  #resumedFrom = 0;
  #closed = false;

  private constructor(target: Target, handle: FileHandle, found: Found) {
    this.#target = target;
    this.#handle = handle;
    this.#boot = found.boot;
    this.#sidecar = found.sidecar;
    this.held = found.held;
  }

  /** Opens the part of a file, and finds out what is in it. Nothing is changed before an answer comes. */
  static async open(target: Target): Promise<PartFile> {
    const { O_RDWR, O_CREAT } = constants;
    const handle = await onDisk(target.path, () => open(partOf(target), O_RDWR | O_CREAT));
    try {
      return new PartFile(target, handle, await PartFile.#findIn(target, handle));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  static async #findIn(target: Target, handle: FileHandle): Promise<Found> {
    const boot = await textIn("/proc/sys/kernel/random/boot_id");
    const sidecar = parseSidecar((await textIn(sidecarOf(target))) ?? "");
    const { size } = await handle.stat();
    const held =
      sidecar === undefined ? undefined : heldOfPart(sidecar, reliableBytes(size, sidecar, boot?.trim()));
    return { sidecar, held, boot: boot?.trim() };
  }

  /** Bytes that are here. */
  get received(): number {
    return this.#position;
  }

  /** Bytes of the whole, where they are known. */
  get total(): number | undefined {
    return this.#total;
  }

  /** Bytes that were here before. */
  get resumedFrom(): number {
    return this.#resumedFrom;
  }

  /** Gets ready for the body of this answer: behind what is here where it continues that, in place of it where not. */
  async begin(response: StreamedResponse): Promise<void> {
    const continued = continuationOf(response);
    await onDisk(this.#target.path, () =>
      continued === undefined ? this.#beginAnew(response) : this.#goOn(response, continued),
    );
    await this.#checkSpace();
  }

  /** Throws away what is here: it turned out not to be what it was said to be. */
  async distrust(): Promise<void> {
    this.#sidecar = undefined;
    await onDisk(this.#target.path, async () => {
      await this.#writeSidecar();
      await this.#cutTo(0);
    });
    this.#hashes = [];
    this.#total = undefined;
    this.#resumedFrom = 0;
  }

  /** Writes the next bytes. */
  async write(piece: Uint8Array): Promise<void> {
    await onDisk(this.#target.path, async () => {
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
    if (this.#position >= this.#lookAt) await this.#checkSpace();
  }

  /**
   * Gives the file its name, once it is what it must be; `confirm` has the last word.
   *
   * @throws IncompleteBodyError; what `confirm` throws; DigestError, and the part is removed then, so that the next time begins anew.
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
    await onDisk(this.#target.path, () => this.#handle.sync());
    await confirm();
    this.#closed = true;
    await this.#handle.close();
    await onDisk(this.#target.path, () => rename(partOf(this.#target), this.#target.path));
    await syncFolderOf(this.#target.path);
    await rm(sidecarOf(this.#target), { force: true });
  }

  /** Removes the part, and what is beside it. */
  async remove(): Promise<void> {
    await this.close();
    await rm(partOf(this.#target), { force: true });
    await rm(sidecarOf(this.#target), { force: true });
  }

  /** Lets go of the part, which stays for later if there is anything in it. */
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

  async #beginAnew(response: StreamedResponse): Promise<void> {
    const { headers, status, url } = response;
    const digests = isEncoded(headers) ? [] : digestsIn(headers, status);
    await this.#cutTo(0);
    const held = toPartialRepresentation(response, url, 0);
    this.#sidecar = held && { ...held, digests, boot: this.#boot };
    await this.#writeSidecar();
    this.#total = isEncoded(headers) ? undefined : declaredLength(headers);
    this.#resumedFrom = 0;
    this.#hashes = this.#hashesFor(digests);
  }

  async #goOn(
    { headers }: { readonly headers: ResponseHeaders },
    { offset, total }: ContinuationInfo,
  ): Promise<void> {
    const digests = [...(this.#sidecar?.digests ?? []), ...digestsIn(headers, 206)];
    await this.#cutTo(offset);
    this.#total = total;
    this.#resumedFrom = offset;
    this.#hashes = this.#hashesFor(digests);
    if (this.#hashes.length > 0) await this.#hashBefore(offset);
  }

  async #cutTo(offset: number): Promise<void> {
    await this.#handle.truncate(offset);
    await this.#handle.datasync();
    this.#position = offset;
    this.#synced = offset;
  }

  async #writeSidecar(): Promise<void> {
    const path = sidecarOf(this.#target);
    if (this.#sidecar === undefined) await rm(path, { force: true });
    else await writeSynced(path, formatSidecar(this.#sidecar));
    await syncFolderOf(path);
  }

  #hashesFor(digests: readonly Digest[]): readonly { readonly digest: Digest; readonly hash: Hash }[] {
    return [...this.#target.digests, ...digests].map((digest) => ({
      digest,
      hash: createHash(algorithms[digest.algorithm].node),
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
    await onDisk(this.#target.path, () => this.#handle.datasync());
    this.#synced = this.#position;
  }

  /** @throws DiskFullError where what is to come would leave too little. */
  async #checkSpace(): Promise<void> {
    const { free, size } = await spaceFor(this.#target.path);
    const reserve = Math.min(reserveBytes, size * reserveShare);
    // Between two looks no more may come than leaves half of the reserve.
    this.#lookAt = this.#position + Math.min(syncBytes, reserve / 2);
    const need = this.#total === undefined ? undefined : this.#total - this.#position;
    if (need === 0) return;
    if ((need ?? 0) + reserve > free) throw new DiskFullError(this.#target.path, { need, free });
  }
}

/** What was found of a file that was begun before. */
interface Found {
  readonly sidecar: Sidecar | undefined;
  readonly held: PartialRepresentation | undefined;
  readonly boot: string | undefined;
}

function partOf({ path }: Target): string {
  return `${path}.part`;
}

function sidecarOf({ path }: Target): string {
  return `${path}.part.json`;
}

async function textIn(path: string): Promise<string | undefined> {
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

/** Makes sure that the names in a folder are on the disk, where the platform can be asked to. */
async function syncFolderOf(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
