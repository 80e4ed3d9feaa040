import { printable, shorten } from "../process/printable.ts";
import { perSecond, timeLeft } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { formatCount, formatRate, formatSeconds } from "./quantities.ts";
import { plainText } from "./style.ts";
import type { Style, Styler } from "./style.ts";

/** A part of the progress line, such as `12 done`. */
interface Segment {
  readonly text: string;
  readonly color?: Style;
  /** On a narrow terminal, the segments with the highest rank are left out first. */
  readonly rank: number;
}

const maxBarWidth = 40;
const minBarWidth = 8;

/** Formats the progress as one line of at most `columns` ASCII characters: the width of others differs by terminal. */
export function formatProgressLine(progress: Progress, columns: number, style: Styler = plainText): string {
  const segments = fitSegments(listSegments(progress), columns);
  const text = segments
    .map((segment) => (segment.color === undefined ? segment.text : style(segment.color, segment.text)))
    .join("  ");
  const width = Math.min(maxBarWidth, columns - measureWidth(segments) - "[]  ".length);
  if (width >= minBarWidth) return `${formatBar(progress, width, style)}  ${text}`;
  return segments.length > 0 ? text : shorten(formatPercentage(progress), Math.max(0, columns));
}

function listSegments(progress: Progress): readonly Segment[] {
  const { done, failed, unknown, waiting } = progress.totals;
  const segments: readonly (Segment | undefined)[] = [
    { text: formatPercentage(progress), color: "bold", rank: 1 },
    { text: `${formatCount(done)} done`, color: "green", rank: 0 },
    failed + unknown > 0
      ? { text: `${formatCount(failed + unknown)} failed`, color: "red", rank: 2 }
      : undefined,
    { text: `${formatCount(waiting)} waiting`, rank: 3 },
    { text: formatRate(perSecond(progress)), color: "dim", rank: 6 },
    { text: formatTimeLeft(progress), color: "dim", rank: 5 },
    progress.idleHost === undefined
      ? undefined
      : { text: formatIdleHost(progress.idleHost, progress.date), color: "yellow", rank: 7 },
    stageSegment(progress),
  ];
  return segments.filter((segment) => segment !== undefined);
}

function formatPercentage({ totals }: Progress): string {
  return totals.lines === 0 ? "0%" : `${Math.floor((100 * (totals.lines - totals.waiting)) / totals.lines)}%`;
}

function formatTimeLeft(progress: Progress): string {
  if (!progress.inputEnded) return "reading the list";
  const left = timeLeft(progress);
  return left === undefined ? "ETA -" : `ETA ${formatSeconds(left)}`;
}

function formatIdleHost({ host, until, by }: NonNullable<Progress["idleHost"]>, date: number): string {
  if (by === "proxies") return `no proxy available, retrying in ${formatSeconds(until - date)}`;
  return `${printable(host, 30)} requested a pause of ${formatSeconds(until - date)}`;
}

function stageSegment({ stage, inFlight }: Progress): Segment | undefined {
  if (stage === "none") return undefined;
  return {
    text: stage === "drain" ? `finishing ${formatCount(inFlight)} in flight` : "stopping",
    color: "yellow",
    rank: 4,
  };
}

function fitSegments(segments: readonly Segment[], columns: number): readonly Segment[] {
  if (segments.length === 0 || measureWidth(segments) <= columns) return segments;
  const lowest = Math.max(...segments.map(({ rank }) => rank));
  return fitSegments(
    segments.filter(({ rank }) => rank !== lowest),
    columns,
  );
}

function measureWidth(segments: readonly Segment[]): number {
  return segments.reduce((sum, { text }) => sum + text.length, 0) + 2 * Math.max(0, segments.length - 1);
}

function formatBar({ totals }: Progress, width: number, style: Styler): string {
  const share = (count: number): number =>
    totals.lines === 0 ? 0 : Math.floor((width * count) / totals.lines);
  const ended = share(totals.lines - totals.waiting);
  const failed = Math.min(ended, share(totals.failed + totals.unknown));
  return `[${style("green", "#".repeat(ended - failed))}${style("red", "x".repeat(failed))}${style("dim", ".".repeat(width - ended))}]`;
}
