import type { HeaderLine } from "./head.ts";
import type { RecordedRequest } from "../origin/recorder.ts";
import { respond } from "./respond.ts";
import type { Reply, Bytes } from "./steps.ts";
import { toBuffer } from "./steps.ts";

/** One state of a resource. */
export interface Version {
  readonly body: Bytes;
  /** With its quotes, and with `W/` if weak. */
  readonly etag?: string;
  /** An HTTP-date. */
  readonly lastModified?: string;
}

/** A response before it is framed. */
export interface Rendition {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
}

/** Options of `ranged`. */
export interface RangeOptions {
  /** Ignores Range and sends the whole with 200, as a server may (RFC 9110 §14.2). @default false */
  readonly ignoreRange?: boolean;
  /** Changes a 206 before it is sent, for example its Content-Range or its bytes. @default undefined */
  readonly forge?: (rendition: Rendition) => Rendition;
}

/** Serves a resource and its ranges. A list has one version per attempt and repeats the last. */
export function ranged(
  versions: Version | readonly Version[],
  options: RangeOptions = {},
): (request: RecordedRequest) => Reply {
  return (request) => {
    const rendition = render(
      versionFor(versions, request.attempt),
      request.headers,
      options.ignoreRange ?? false,
    );
    return reply(rendition.status === 206 ? (options.forge?.(rendition) ?? rendition) : rendition);
  };
}

/** Returns the response to the conditions and the single range of a request (RFC 9110 §13.1, §14). Several ranges get the whole. */
export function render(
  version: Version,
  headers: RecordedRequest["headers"],
  ignoreRange: boolean,
): Rendition {
  const body = toBuffer(version.body);
  const common = validators(version);
  if (fails(version, headers)) return { status: 412, headers: common, body: Buffer.alloc(0) };
  const whole: Rendition = { status: 200, headers: common, body };
  if (ignoreRange || !rangeApplies(version, headers["if-range"])) return whole;
  const range = parseRange(headers["range"], body.length);
  if (range === "none") return whole;
  if (range === "unsatisfiable") {
    return {
      status: 416,
      headers: [...common, ["content-range", `bytes */${body.length}`]],
      body: Buffer.alloc(0),
    };
  }
  const contentRange = ["content-range", `bytes ${range.first}-${range.last}/${body.length}`] as const;
  return {
    status: 206,
    headers: [...common, contentRange],
    body: body.subarray(range.first, range.last + 1),
  };
}

function reply({ status, headers, body }: Rendition): Reply {
  return respond(status, { headers, body });
}

function versionFor(versions: Version | readonly Version[], attempt: number): Version {
  if (!isVersionList(versions)) return versions;
  return versions[Math.min(attempt, versions.length) - 1] ?? { body: "" };
}

function isVersionList(versions: Version | readonly Version[]): versions is readonly Version[] {
  return Array.isArray(versions);
}

function validators({ etag, lastModified }: Version): readonly HeaderLine[] {
  const lines: HeaderLine[] = [["accept-ranges", "bytes"]];
  if (etag !== undefined) lines.push(["etag", etag]);
  if (lastModified !== undefined) lines.push(["last-modified", lastModified]);
  return lines;
}

/** Evaluates If-Match and If-Unmodified-Since (RFC 9110 §13.1.1, §13.1.4). A weak tag matches nothing. */
function fails({ etag, lastModified }: Version, headers: RecordedRequest["headers"]): boolean {
  const match = headers["if-match"];
  if (match !== undefined && match !== "*")
    return !match.split(/,\s*/).some((tag) => isStrong(tag) && tag === etag);
  const since = headers["if-unmodified-since"];
  return (
    match === undefined &&
    since !== undefined &&
    lastModified !== undefined &&
    Date.parse(lastModified) > Date.parse(since)
  );
}

/** Evaluates If-Range (RFC 9110 §13.1.5): a strong tag or the exact date. Otherwise the range is ignored. */
function rangeApplies({ etag, lastModified }: Version, condition: string | undefined): boolean {
  if (condition === undefined) return true;
  return condition.endsWith('"') ? isStrong(condition) && condition === etag : condition === lastModified;
}

function isStrong(tag: string): boolean {
  return tag.startsWith('"');
}

type ByteRange = { readonly first: number; readonly last: number };

function parseRange(header: string | undefined, length: number): ByteRange | "none" | "unsatisfiable" {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!parts) return "none";
  const [, from = "", to = ""] = parts;
  if (from === "")
    return to === "" ? "none" : satisfiable({ first: Math.max(0, length - Number(to)), last: length - 1 });
  if (to === "") return satisfiable({ first: Number(from), last: length - 1 });
  if (Number(to) < Number(from)) return "none";
  return satisfiable({ first: Number(from), last: Math.min(Number(to), length - 1) });
}

function satisfiable(range: ByteRange): ByteRange | "unsatisfiable" {
  return range.first > range.last ? "unsatisfiable" : range;
}
