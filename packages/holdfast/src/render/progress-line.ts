import { plainText } from "./style.ts";
import type { Style, Styler } from "./style.ts";
import { perSecond, timeLeft } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { printable, shorten } from "../process/printable.ts";
import { formatCount, formatRate, formatSeconds } from "./quantities.ts";

interface Piece {
  readonly text: string;
  readonly color?: Style;
  /** Where room is short, the piece with the highest rank goes first. */
  readonly rank: number;
}

const widestBar = 40;
const narrowestBar = 8;

/** Gives the one line that a terminal shows, never wider than `columns`; ASCII, as other characters differ in width. */
export function formatProgressLine(progress: Progress, columns: number, style: Styler = plainText): string {
  const pieces = fit(piecesOf(progress), columns);
  const text = pieces
    .map((piece) => (piece.color === undefined ? piece.text : style(piece.color, piece.text)))
    .join("  ");
  const width = Math.min(widestBar, columns - widthOf(pieces) - "[]  ".length);
  if (width >= narrowestBar) return `${bar(progress, width, style)}  ${text}`;
  return pieces.length > 0 ? text : shorten(percentOf(progress), Math.max(0, columns));
}

function piecesOf(progress: Progress): readonly Piece[] {
  const { done, failed, unknown, waiting } = progress.totals;
  const left = timeLeft(progress);
  const pieces: readonly (Piece | undefined)[] = [
    { text: percentOf(progress), color: "bold", rank: 1 },
    { text: `${formatCount(done)} done`, color: "green", rank: 0 },
    failed + unknown > 0
      ? { text: `${formatCount(failed + unknown)} failed`, color: "red", rank: 2 }
      : undefined,
    { text: `${formatCount(waiting)} waiting`, rank: 3 },
    { text: formatRate(perSecond(progress)), color: "dim", rank: 6 },
    { text: endOf(progress, left), color: "dim", rank: 5 },
    progress.held === undefined
      ? undefined
      : { text: heldOf(progress.held, progress.date), color: "yellow", rank: 7 },
    stageOf(progress),
  ];
  return pieces.filter((piece) => piece !== undefined);
}

function percentOf({ totals }: Progress): string {
  return totals.lines === 0 ? "0%" : `${Math.floor((100 * (totals.lines - totals.waiting)) / totals.lines)}%`;
}

function endOf({ inputEnded }: Progress, left: number | undefined): string {
  if (!inputEnded) return "reading the list";
  return left === undefined ? "ETA -" : `ETA ${formatSeconds(left)}`;
}

function heldOf({ host, until, by }: NonNullable<Progress["held"]>, date: number): string {
  if (by === "proxies") return `no proxy is fit, again in ${formatSeconds(until - date)}`;
  return `${printable(host, 30)} asked for a pause of ${formatSeconds(until - date)}`;
}

function stageOf({ stage, inFlight }: Progress): Piece | undefined {
  if (stage === "none") return undefined;
  return {
    text: stage === "drain" ? `finishing ${formatCount(inFlight)} in flight` : "stopping",
    color: "yellow",
    rank: 4,
  };
}

function fit(pieces: readonly Piece[], columns: number): readonly Piece[] {
  if (pieces.length === 0 || widthOf(pieces) <= columns) return pieces;
  const last = Math.max(...pieces.map(({ rank }) => rank));
  return fit(
    pieces.filter(({ rank }) => rank !== last),
    columns,
  );
}

function widthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { text }) => sum + text.length, 0) + 2 * Math.max(0, pieces.length - 1);
}

function bar({ totals }: Progress, width: number, style: Styler): string {
  const share = (count: number): number =>
    totals.lines === 0 ? 0 : Math.floor((width * count) / totals.lines);
  const ended = share(totals.lines - totals.waiting);
  const failed = Math.min(ended, share(totals.failed + totals.unknown));
  return `[${style("green", "#".repeat(ended - failed))}${style("red", "x".repeat(failed))}${style("dim", ".".repeat(width - ended))}]`;
}
