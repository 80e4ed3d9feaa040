import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Clock } from "@holdfast/policy";
import type { RecycledMemory } from "../model/body-memory.ts";
import type { HttpResponse } from "../model/response.ts";
import { RedirectedResumeError } from "../resume/resume-errors.ts";
import type { StreamResumptionOptions } from "../resume/streamed.ts";
import { StreamedResponse, discardBody, toStatusError } from "../model/streamed-response.ts";
import { type Digest, parseDigest } from "../model/digest.ts";
import type { BodyStream } from "../model/body-stream.ts";
import { hasErrorCode, withFileErrors } from "../files/disk.ts";
import { type FileLock, lockFile } from "../files/file-lock.ts";
import { Folder } from "../files/folder.ts";
import { checkDirect, isDirect, resolveTypedPath, type TypedPath } from "../files/typed-path.ts";
import type { WaitForReader } from "../files/direct-output.ts";
import { DirectFile } from "./direct-file.ts";
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
  /** Waits for the reader of a FIFO, for no longer than the call may last. */
  readonly waitForReader: WaitForReader;
}

/**
 * Saves a body to a file, which gets its name only when it is complete. Continues after a broken connection, and where an
 * earlier download stopped. A FIFO or a character device receives the bytes as they arrive. docs/how-to/download-a-file.md
 * lists the guarantees.
 *
 * @throws StatusError for a response that is not a success, without changing the file; FileBusyError, DiskFullError,
 * FileAccessError, DigestError; the errors of the body; TypeError for an invalid digest or target. The part stays on the
 * disk for the next download, unless its digest was wrong.
 */
export async function download(
  target: string,
  options: SaveOptions,
  call: DownloadCall,
): Promise<DownloadResult> {
  const digests = options.digest === undefined ? [] : [parseDigest(options.digest)];
  const resolved = resolveTypedPath(target);
  checkDirect(resolved);
  const save = isDirect(resolved) ? saveDirectly : saveToPart;
  return save({ target: resolved, digests, options, call });
}

/** A download: its target, and how the body is fetched and checked. */
interface Download {
  readonly target: TypedPath;
  /** The digests that the caller expects. */
  readonly digests: readonly Digest[];
  readonly options: SaveOptions;
  readonly call: DownloadCall;
}

async function saveDirectly({ target, digests, options, call }: Download): Promise<DownloadResult> {
  const { openBody, clock, bodyMemory, waitForReader } = call;
  const file = await DirectFile.open({ target, digests, clock, bodyMemory, waitForReader });
  try {
    const response = await fillOnce(file, options, (resumption) =>
      // Bytes that a reader received cannot be taken back, so the body never restarts.
      openBody({ ...resumption, restart: undefined, requiresWhole: true }),
    );
    file.finish();
    return { path: target.path, bytes: file.received, resumedFrom: 0, response };
  } finally {
    await file.close();
  }
}

async function saveToPart({ target, digests, options, call }: Download): Promise<DownloadResult> {
  const { path } = target;
  const { openBody, clock, bodyMemory } = call;
  await requireFolder(path);
  const folder = Folder.open(dirname(path));
  let lock: FileLock | undefined;
  try {
    lock = await withFileErrors(path, async () => lockFile(folder, `${basename(path)}.part.lock`));
    const confirm = (): void => {
      folder.confirm();
      lock?.confirm();
    };
    const part = await PartFile.open({ path, folder, digests, clock, bodyMemory });
    try {
      const response = await fill(part, options, async (resumption) => {
        const opened = await openBody(resumption);
        confirm();
        return opened;
      });
      // A rename must not replace the file of another process.
      await part.finish(confirm);
      const { received, resumedFrom } = part;
      return { path, bytes: received, resumedFrom, response };
    } finally {
      await part.close();
    }
  } finally {
    lock?.release("remove");
    folder.close();
  }
}

async function requireFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const existing = await withFileErrors(folder, () =>
    stat(folder).catch((error: unknown) => {
      if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return undefined;
      throw error;
    }),
  );
  if (existing?.isDirectory() !== true)
    throw new TypeError(
      `Cannot save ${basename(path)} in ${folder}: the folder does not exist; create it first`,
    );
}

/** Fills the part. If the server redirects the range request, the download starts again and follows the redirect. */
async function fill(part: PartFile, options: SaveOptions, openBody: OpenBody): Promise<HttpResponse> {
  try {
    return await fillOnce(part, options, (resumption) => openBody({ ...resumption, partial: part.partial }));
  } catch (error) {
    if (!(error instanceof RedirectedResumeError)) throw error;
    return fillOnce(part, options, openBody);
  }
}

/** A file that a body is written to. */
interface BodyFile {
  readonly received: number;
  readonly total: number | undefined;
  begin(response: StreamedResponse): Promise<void>;
  invalidate(): Promise<void>;
  fill(body: BodyStream, written: () => void): Promise<void>;
}

async function fillOnce(
  file: BodyFile,
  { onProgress }: SaveOptions,
  openBody: OpenBody,
): Promise<HttpResponse> {
  const response = await openBody({
    restart: (restarted) => file.begin(restarted),
    invalidatePartial: () => file.invalidate(),
  });
  if (!(response instanceof StreamedResponse))
    throw new TypeError(
      "The response is not a stream: the session's policy replaced it; a policy must return the response of its task",
    );
  try {
    if (!response.ok) throw await toStatusError(response);
    await file.begin(response);
    const report = (): void => onProgress?.({ received: file.received, total: file.total });
    report();
    await file.fill(response.body, report);
  } finally {
    // Does nothing if the body was read to its end.
    await discardBody(response);
  }
  return response;
}
