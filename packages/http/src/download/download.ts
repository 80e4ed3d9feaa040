import { lstat, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import type { Clock } from "@holdfast/policy";
import type { RecycledMemory } from "../model/body-memory.ts";
import type { HttpResponse } from "../model/response.ts";
import { RedirectedResumeError } from "../resume/resume-errors.ts";
import type { StreamResumptionOptions } from "../resume/streamed.ts";
import { StreamedResponse, discardBody, toStatusError } from "../model/streamed-response.ts";
import { parseDigest } from "../model/digest.ts";
import { hasErrorCode, withFileErrors } from "./disk.ts";
import { lockFile } from "./lock.ts";
import { PartFile } from "./part-file.ts";

/** The progress of a download, in bytes. */
export interface DownloadProgress {
  /** Bytes in the file so far, including those of earlier downloads. */
  readonly received: number;
  /** Size of the complete file, if known. */
  readonly total: number | undefined;
}

/** How a body is saved to a file. */
export interface SaveOptions {
  /**
   * Expected digest of the file: `sha-256=` or `sha-512=` (also `sha256=`, `sha512=`) and the value in hexadecimal or base64.
   * @default the digest that the server sends, if any
   */
  readonly digest?: string;
  /** Called after every write. If it throws, the download ends with that error. */
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** A downloaded file. */
export interface DownloadResult {
  /** Absolute path; for a symbolic link, the path of its target. */
  readonly path: string;
  /** Size of the file. */
  readonly bytes: number;
  /** Bytes that an earlier download left and that were not transferred again. */
  readonly resumedFrom: number;
  /** The response to the request. The file has its body. */
  readonly response: HttpResponse;
}

/** Opens the body to save. */
export type OpenBody = (resumption: StreamResumptionOptions) => Promise<HttpResponse>;

/** What a download needs from its call. */
export interface DownloadCall {
  readonly openBody: OpenBody;
  readonly clock: Clock;
  /** Memory that the pieces of the body may use. */
  readonly bodyMemory: RecycledMemory;
}

/**
 * Saves a body to a file, which gets its name only when it is complete. Continues after a broken connection, and where an
 * earlier download stopped. docs/how-to/download-a-file.md lists the guarantees.
 *
 * @throws StatusError for a response that is not a success, without changing the file; FileBusyError, DiskFullError,
 * FileAccessError, DigestError; the errors of the body; TypeError for an invalid digest or target. The part stays on the
 * disk for the next download, unless its digest was wrong.
 */
export async function download(
  target: string,
  options: SaveOptions,
  { openBody, ...call }: DownloadCall,
): Promise<DownloadResult> {
  const digests = options.digest === undefined ? [] : [parseDigest(options.digest)];
  const path = await followSymbolicLink(resolve(target));
  // A rename would replace a device or a pipe by a file.
  const existing = await stat(path).catch(() => undefined);
  if (existing?.isFile() === false)
    throw new TypeError(`${path} exists and is not a regular file; choose another path`);
  await requireFolder(path);
  const lock = await withFileErrors(path, () => lockFile(`${path}.part.lock`));
  try {
    const part = await PartFile.open({ path, digests, ...call });
    try {
      const openConfirmed: OpenBody = async (resumption) => {
        const response = await openBody(resumption);
        await lock.confirm();
        return response;
      };
      const response = await fill(part, options, openConfirmed);
      // A rename must not replace the file of another process.
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

/** Returns the target of a symbolic link, so that the link stays: the part is written next to the target. */
async function followSymbolicLink(path: string): Promise<string> {
  const existing = await lstat(path).catch(() => undefined);
  if (existing?.isSymbolicLink() !== true) return path;
  // The target of a dangling link is the path that it names.
  return realpath(path).catch(async () => resolve(dirname(path), await readlink(path)));
}

async function requireFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const existing = await stat(folder).catch((error: unknown) => {
    if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  });
  if (existing?.isDirectory() !== true)
    throw new TypeError(
      `Cannot save ${basename(path)} in ${folder}: the folder does not exist; create it first`,
    );
}

/** Fills the part. If the server redirects the range request, the download starts again and follows the redirect. */
async function fill(part: PartFile, options: SaveOptions, openBody: OpenBody): Promise<HttpResponse> {
  try {
    return await fillOnce(part, options, { openBody, partial: part.partial });
  } catch (error) {
    if (!(error instanceof RedirectedResumeError)) throw error;
    return fillOnce(part, options, { openBody, partial: undefined });
  }
}

/** The body, and the part of it that exists. */
interface BodyToSave {
  readonly openBody: OpenBody;
  readonly partial: StreamResumptionOptions["partial"];
}

async function fillOnce(
  part: PartFile,
  { onProgress }: SaveOptions,
  { openBody, partial }: BodyToSave,
): Promise<HttpResponse> {
  const response = await openBody({
    partial,
    restart: (restarted) => part.begin(restarted),
    invalidatePartial: () => part.invalidate(),
  });
  if (!(response instanceof StreamedResponse))
    throw new TypeError(
      "The response is not a stream: the session's policy replaced it; a policy must return the response of its task",
    );
  try {
    if (!response.ok) throw await toStatusError(response);
    await part.begin(response);
    const report = (): void => onProgress?.({ received: part.received, total: part.total });
    report();
    await part.fill(response.body, report);
  } finally {
    // Does nothing if the body was read to its end.
    await discardBody(response);
  }
  return response;
}
