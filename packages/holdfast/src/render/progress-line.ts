import { noPaint } from "./paint.ts";
import type { Look, Paint } from "./paint.ts";
import { perSecond, timeLeft } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { printable, shorten } from "./printable.ts";
import { formatCount, formatRate, formatSeconds } from "./quantity.ts";

interface Piece {
  readonly text: string;
  readonly look?: Look;
  /** Where room is short, the piece with the highest rank goes first. */
  readonly rank: number;
}

const widestBar = 40;
const narrowestBar = 8;

/** Gives the one line that a terminal shows, never wider than `columns`; ASCII, as other characters differ in width. */
export function progressLine(progress: Progress, columns: number, paint: Paint = noPaint): string {
  const pieces = fit(piecesOf(progress), columns);
  const text = pieces
    .map((piece) => (piece.look === undefined ? piece.text : paint(piece.look, piece.text)))
    .join("  ");
  const width = Math.min(widestBar, columns - widthOf(pieces) - "[]  ".length);
  if (width >= narrowestBar) return `${bar(progress, width, paint)}  ${text}`;
  return pieces.length > 0 ? text : shorten(percentOf(progress), Math.max(0, columns));
}

function piecesOf(progress: Progress): readonly Piece[] {
  const { done, failed, unknown, waiting } = progress.totals;
  const left = timeLeft(progress);
  const pieces: readonly (Piece | undefined)[] = [
    { text: percentOf(progress), look: "bold", rank: 1 },
    { text: `${formatCount(done)} done`, look: "green", rank: 0 },
    failed + unknown > 0
      ? { text: `${formatCount(failed + unknown)} failed`, look: "red", rank: 2 }
      : undefined,
    { text: `${formatCount(waiting)} waiting`, rank: 3 },
    { text: formatRate(perSecond(progress)), look: "dim", rank: 6 },
    { text: endOf(progress, left), look: "dim", rank: 5 },
    progress.held === undefined
      ? undefined
      : { text: heldOf(progress.held, progress.date), look: "yellow", rank: 7 },
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
    look: "yellow",
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

function bar({ totals }: Progress, width: number, paint: Paint): string {
  const share = (count: number): number =>
    totals.lines === 0 ? 0 : Math.floor((width * count) / totals.lines);
  const ended = share(totals.lines - totals.waiting);
  const failed = Math.min(ended, share(totals.failed + totals.unknown));
  return `[${paint("green", "#".repeat(ended - failed))}${paint("red", "x".repeat(failed))}${paint("dim", ".".repeat(width - ended))}]`;
}
