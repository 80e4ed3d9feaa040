import type { PartialRepresentation } from "../resume/continuation.ts";
import { isValidator } from "../resume/validator.ts";
import { isAlgorithm, type Digest } from "../model/digest.ts";

/** The file next to a part: which resource the part belongs to, and the digests of the whole. */
export interface Sidecar extends Omit<PartialRepresentation, "offset"> {
  /** Digests of the whole file, as the server sent them. */
  readonly digests: readonly Digest[];
  /** Identifier of the machine's boot in which the part was written; undefined where the system has none. */
  readonly boot: string | undefined;
}

// A sidecar of another version is ignored.
const version = 1;

/** The number of last bytes of a part that may be lost when the machine goes down. */
export const unsyncedBytes: number = 32 * 1024 * 1024;

/** Formats a sidecar as it is stored. */
export function formatSidecar({ resourceHash: resource, validator, total, digests, boot }: Sidecar): string {
  return `${JSON.stringify({ version, resource, validator, total, digests, boot }, undefined, 2)}\n`;
}

/** Parses a sidecar; undefined for any other text. */
export function parseSidecar(text: string): Sidecar | undefined {
  const fields = parseRecord(text);
  const { resource, validator, total, boot } = fields;
  if (fields["version"] !== version || typeof resource !== "string") return undefined;
  if (typeof validator !== "string" || !isValidator(validator)) return undefined;
  const digests = toDigests(fields["digests"]);
  if (digests === undefined || !isOptional(total, isLength) || !isOptional(boot, isString)) return undefined;
  return { resourceHash: resource, validator, total, digests, boot };
}

/**
 * Returns the number of bytes of a part that are certainly correct. While the machine runs, all bytes that a process wrote
 * are there, however the process ended. A machine that went down may have kept the length of a file and lost its last bytes.
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
 * Returns the part that can be continued, from its reliable bytes and its sidecar. A complete part is continued at its last
 * byte: the request for that byte shows whether the resource is unchanged, and no server can misunderstand it.
 */
export function toContinuablePart(
  { resourceHash: resource, validator, total }: Sidecar,
  bytes: number,
): PartialRepresentation | undefined {
  const offset = total === undefined ? bytes : Math.min(bytes, total - 1);
  return offset > 0 && bytes <= (total ?? bytes)
    ? { resourceHash: resource, validator, total, offset }
    : undefined;
}

function parseRecord(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function toDigests(value: unknown): readonly Digest[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.every(isDigest) ? value : undefined;
}

function isDigest(value: unknown): value is Digest {
  if (typeof value !== "object" || value === null || !("algorithm" in value) || !("hex" in value))
    return false;
  return isAlgorithm(value.algorithm) && isString(value.hex);
}

function isOptional<T>(value: unknown, is: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || is(value);
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isLength(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
