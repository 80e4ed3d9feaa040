import { HoldfastError } from "@holdfast/policy";

/** A file is whole, and not what it should be: its part was removed. */
export class DigestError extends HoldfastError {
  readonly code = "ERR_DIGEST";
  readonly path: string;
  /** `sha-256`, `sha-512` or `md5`. */
  readonly algorithm: string;
  /** In hexadecimal, as `actual`. */
  readonly expected: string;
  readonly actual: string;

  constructor(
    path: string,
    digest: { readonly algorithm: string; readonly expected: string; readonly actual: string },
  ) {
    const { algorithm, expected, actual } = digest;
    super(`${path} should have the ${algorithm} ${expected}, but what came has ${actual}`);
    this.path = path;
    this.algorithm = algorithm;
    this.expected = expected;
    this.actual = actual;
  }
}

/** A file does not fit on its disk, or would leave too little for others. What is there of it stays. */
export class DiskFullError extends HoldfastError {
  readonly code = "ERR_DISK_FULL";
  readonly path: string;
  /** Bytes that are still to come; undefined where nobody knows. */
  readonly need: number | undefined;
  /** Bytes that are free. */
  readonly free: number;

  constructor(
    path: string,
    { need, free, ...options }: ErrorOptions & { readonly need?: number | undefined; readonly free: number },
  ) {
    super(`No space for ${path}: ${need ?? "an unknown number of"} more bytes, ${free} are free`, options);
    this.path = path;
    this.need = need;
    this.free = free;
  }
}

/** Another download writes the same file. */
export class FileBusyError extends HoldfastError {
  readonly code = "ERR_FILE_BUSY";
  /** The lock's. */
  readonly path: string;
  /** Who holds it, where that is known. */
  readonly pid: number | undefined;

  constructor(path: string, holder: { readonly pid: number; readonly host: string } | undefined) {
    const who = holder === undefined ? "somebody else" : `process ${holder.pid} on ${holder.host}`;
    super(`The file is being written by ${who}; if that is over, remove ${path}`);
    this.path = path;
    this.pid = holder?.pid;
  }
}

/** The system does not let a file be written, or what lies beside it while it is not whole. */
export class FileAccessError extends HoldfastError {
  readonly code = "ERR_FILE_ACCESS";
  readonly path: string;
  /** The platform's own code, such as `EROFS` or `EACCES`. */
  readonly errno: string;

  constructor(path: string, { errno, what, ...options }: ErrorOptions & FileAccessDetails) {
    super(`${path} cannot be written: ${what} (${errno})`, options);
    this.path = path;
    this.errno = errno;
  }
}

export interface FileAccessDetails {
  readonly errno: string;
  /** Why not, for a person. */
  readonly what: string;
}
