import { brandClass, type BrandedClass } from "@holdfast/policy/internal";
import { HoldfastError } from "@holdfast/policy";

/**
 * The digest of a completed download differs from the expected one, and its partial file was removed; or with `verifyDigest`, a
 * body differs from the digest that the server sent, and was damaged on the way.
 */
export class DigestError extends HoldfastError {
  readonly code = "ERR_DIGEST";
  readonly path: string;
  /** `sha-256`, `sha-512` or `md5`. */
  readonly algorithm: string;
  /** In hexadecimal. */
  readonly expected: string;
  readonly actual: string;
  /** `body` for the body of one attempt, which another attempt may replace. Undefined for a downloaded file. */
  readonly phase: "body" | undefined;

  constructor(path: string, digest: DigestMismatch) {
    const { algorithm, expected, actual, phase } = digest;
    super(`${path}: expected ${algorithm} ${expected}, got ${actual}`);
    this.path = path;
    this.algorithm = algorithm;
    this.expected = expected;
    this.actual = actual;
    this.phase = phase;
  }
}

/** A digest that differs from the expected one. */
export interface DigestMismatch {
  readonly algorithm: string;
  readonly expected: string;
  readonly actual: string;
  readonly phase?: "body" | undefined;
}

/** A file does not fit on its disk, or would leave too little free space. The partial file is kept. */
export class DiskFullError extends HoldfastError {
  readonly code = "ERR_DISK_FULL";
  readonly path: string;
  /** Bytes that are still missing. Undefined if the size is unknown. */
  readonly need: number | undefined;
  /** Bytes that are free on the disk. */
  readonly free: number;

  constructor(
    path: string,
    { need, free, ...options }: ErrorOptions & { readonly need?: number | undefined; readonly free: number },
  ) {
    super(
      `No space for ${path}: it needs ${need ?? "an unknown number of"} more bytes, and ${free} are free`,
      options,
    );
    this.path = path;
    this.need = need;
    this.free = free;
  }
}

/** Another process, or another download of this process, is writing the same file. */
export class FileBusyError extends HoldfastError {
  readonly code = "ERR_FILE_BUSY";
  /** The path of the lock. */
  readonly path: string;
  /** The process that holds the lock, if the system says so: Linux does, for a process of the same container. */
  readonly pid: number | undefined;

  constructor(path: string, pid: number | undefined, problem: "locked" | "removed" = "locked") {
    super(
      problem === "removed"
        ? `The lock ${path} was removed or replaced while this process held it: make sure that no other process writes the file, and try again`
        : `The file is being written by ${pid === undefined ? "another process" : `process ${pid}`}, which holds ${path}: wait until it has ended, or end it`,
    );
    this.path = path;
    this.pid = pid;
  }
}

/** The system denies access to a file, or to the partial file next to it. */
export class FileAccessError extends HoldfastError {
  readonly code = "ERR_FILE_ACCESS";
  readonly path: string;
  /** The code of the platform, such as `EROFS` or `EACCES`. */
  readonly errno: string;

  constructor(path: string, { errno, what, ...options }: ErrorOptions & FileAccessDetails) {
    super(`${path} cannot be written: ${what} (${errno})`, options);
    this.path = path;
    this.errno = errno;
  }
}

/** The details of a `FileAccessError`. */
export interface FileAccessDetails {
  readonly errno: string;
  /** The reason, for a person. */
  readonly what: string;
}

for (const [name, target] of Object.entries<BrandedClass>({
  DigestError,
  DiskFullError,
  FileBusyError,
  FileAccessError,
}))
  brandClass(target, name);
