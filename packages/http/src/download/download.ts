import { lstat, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { type HttpResponse, StatusError } from "../model/response.ts";
import { RedirectedResumeError } from "../resume/resume-errors.ts";
import type { StreamResumptionOptions } from "../resume/streamed.ts";
import { StreamedResponse, discardBody } from "../model/streamed-response.ts";
import { parseDigest } from "./digest.ts";
import { hasCode, onDisk } from "./disk.ts";
import { lockFile } from "./lock.ts";
import { PartFile } from "./part-file.ts";

/** How far a file has come, in bytes. */
export interface DownloadProgress {
  /** What is here, that of earlier runs included. */
  readonly received: number;
  /** The whole, where it is known. */
  readonly total: number | undefined;
}

/** How a body is saved to a file. */
export interface SaveOptions {
  /** What the file must hash to: `sha-256=` or `sha-512=` (also `sha256=`, `sha512=`) and the value in hexadecimal or base64. @default what the server says, if anything */
  readonly digest?: string;
  /** Hears after every write how far the file has come. What it throws ends the download. */
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** A file that was saved. */
export interface DownloadResult {
  /** Absolute; of a symbolic link, what it leads to. */
  readonly path: string;
  readonly bytes: number;
  /** Bytes that an earlier run had left, and that did not have to come again. */
  readonly resumedFrom: number;
  /** The answer, whose body is in the file. */
  readonly response: HttpResponse;
}

/** Opens the body that is to be saved. */
export type Source = (resumption: StreamResumptionOptions) => Promise<HttpResponse>;

/**
 * Saves a body to a file that has its name only when it is whole, and goes on where an earlier run, or a broken
 * connection, left off; see docs/how-to/download-a-file.md for what is guaranteed.
 *
 * @throws StatusError for an answer that is no success, with the file as it was; FileBusyError, DiskFullError,
 * FileAccessError, DigestError; what the body throws; TypeError for a digest or a target that is none. The part stays for later, unless its digest was
 * wrong.
 */
export async function download(
  target: string,
  options: SaveOptions,
  source: Source,
): Promise<DownloadResult> {
  const digests = options.digest === undefined ? [] : [parseDigest(options.digest)];
  const path = await followed(resolve(target));
  // A rename would put a file in the place of a device or a pipe.
  const there = await stat(path).catch(() => undefined);
  if (there?.isFile() === false) throw new TypeError(`${path} is there, and is no file`);
  await requireFolder(path);
  const lock = await onDisk(path, () => lockFile(`${path}.part.lock`));
  try {
    const part = await PartFile.open({ path, digests });
    try {
      const begun: Source = async (resumption) => {
        const response = await source(resumption);
        await lock.confirm();
        return response;
      };
      const response = await fill(part, options, begun);
      // A rename must not put this file in the place of another's.
      await part.finish(() => lock.confirm());
      const { received, resumedFrom } = part;
      return { path, bytes: received, resumedFrom, response };
    } finally {
      await part.close();
    }
  } finally {
    await lock.release();
  }
}

/** What a symbolic link leads to, so that it stays one: the file is written beside the real one, and takes its name. */
async function followed(path: string): Promise<string> {
  const there = await lstat(path).catch(() => undefined);
  if (there?.isSymbolicLink() !== true) return path;
  // Of a link that leads nowhere yet, the name is what it says.
  return realpath(path).catch(async () => resolve(dirname(path), await readlink(path)));
}

async function requireFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const there = await stat(folder).catch((error: unknown) => {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  });
  if (there?.isDirectory() !== true)
    throw new TypeError(`${basename(path)} cannot be saved in ${folder}: there is no such folder`);
}

/** Fills the part; where the rest has moved in the middle of it, once more from the beginning, along the redirects. */
async function fill(part: PartFile, options: SaveOptions, source: Source): Promise<HttpResponse> {
  try {
    return await fillOnce(part, options, { source, held: part.held });
  } catch (error) {
    if (!(error instanceof RedirectedResumeError)) throw error;
    return fillOnce(part, options, { source, held: undefined });
  }
}

/** Where the body comes from, and what is here of it. */
interface From {
  readonly source: Source;
  readonly held: StreamResumptionOptions["partial"];
}

async function fillOnce(
  part: PartFile,
  { onProgress }: SaveOptions,
  { source, held }: From,
): Promise<HttpResponse> {
  const response = await source({
    partial: held,
    restart: (anew) => part.begin(anew),
    invalidatePartial: () => part.distrust(),
  });
  if (!(response instanceof StreamedResponse))
    throw new TypeError("What came was not streamed: a guard put another answer in its place");
  try {
    if (!response.ok) throw new StatusError(response);
    await part.begin(response);
    onProgress?.({ received: part.received, total: part.total });
    for await (const piece of response.body) {
      await part.write(piece);
      onProgress?.({ received: part.received, total: part.total });
    }
  } finally {
    // Nothing where it was read to its end.
    await discardBody(response);
  }
  return response;
}
