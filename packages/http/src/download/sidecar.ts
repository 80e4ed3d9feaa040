import type { PartialRepresentation } from "../resume/continuation.ts";
import { isValidator } from "../resume/validator.ts";
import { isAlgorithm, type Digest } from "./digest.ts";

/** What is written beside a part of a file: whose part it is, and what the whole must be. */
export interface Sidecar extends Omit<PartialRepresentation, "offset"> {
  /** What the server said that the whole hashes to. */
  readonly digests: readonly Digest[];
  /** The running of the machine that it was written in; undefined where that cannot be told. */
  readonly boot: string | undefined;
}

// Another version is another file: it is not read.
const version = 1;

/** A part is on the disk, whatever happens to the machine, but for as many of its last bytes. */
export const unsyncedBytes: number = 32 * 1024 * 1024;

/** Writes a sidecar as it is stored. */
export function formatSidecar({ resourceHash: resource, validator, total, digests, boot }: Sidecar): string {
  return `${JSON.stringify({ version, resource, validator, total, digests, boot }, undefined, 2)}\n`;
}

/** Reads a sidecar; undefined for what is none, whoever wrote it. */
export function parseSidecar(text: string): Sidecar | undefined {
  const fields = recordOf(text);
  const { resource, validator, total, boot } = fields;
  if (fields["version"] !== version || typeof resource !== "string") return undefined;
  if (typeof validator !== "string" || !isValidator(validator)) return undefined;
  const digests = digestsOf(fields["digests"]);
  if (digests === undefined || !isOptional(total, isLength) || !isOptional(boot, isText)) return undefined;
  return { resourceHash: resource, validator, total, digests, boot };
}

/**
 * How much of a part may be relied upon. While the machine runs on, what a process wrote is there, however the process
 * ended. A machine that went down may have kept the length of a file and lost its last bytes.
 */
export function reliableBytes(
  size: number,
  written: Pick<Sidecar, "boot">,
  boot: string | undefined,
): number {
  const sameBoot = boot !== undefined && written.boot === boot;
  return sameBoot ? size : Math.max(0, size - unsyncedBytes);
}

/**
 * What is held of a file by so many reliable bytes of its part, and its sidecar. A part that is whole is held but for its
 * last byte: to ask for that one tells whether it is still the same, and no server can misunderstand it.
 */
export function heldOfPart(
  { resourceHash: resource, validator, total }: Sidecar,
  bytes: number,
): PartialRepresentation | undefined {
  const offset = total === undefined ? bytes : Math.min(bytes, total - 1);
  return offset > 0 && bytes <= (total ?? bytes)
    ? { resourceHash: resource, validator, total, offset }
    : undefined;
}

function recordOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function digestsOf(value: unknown): readonly Digest[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.every(isDigest) ? value : undefined;
}

function isDigest(value: unknown): value is Digest {
  if (typeof value !== "object" || value === null || !("algorithm" in value) || !("hex" in value))
    return false;
  return isAlgorithm(value.algorithm) && isText(value.hex);
}

function isOptional<T>(value: unknown, is: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || is(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isLength(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
