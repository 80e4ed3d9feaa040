import type { ReasonGroup, RunReport } from "@holdfast/runner";
import { printable } from "../process/printable.ts";
import { formatAdvice } from "./advice.ts";
import { renderProxyReport } from "./proxy-report.ts";
import { formatBytes, formatCount, formatMany, formatSeconds, formatTime } from "./quantities.ts";
import { plainText } from "./style.ts";
import type { Style, Styler } from "./style.ts";

/** How to render a report. */
export interface ReportRendering {
  readonly directory: string;
  /** The command line that continues the run. */
  readonly resume: string;
  /** What must be done before that command. */
  readonly resumeNote?: string | undefined;
  /** The present time in epoch milliseconds. */
  readonly date: number;
  readonly style?: Styler;
}

/**
 * Renders the report of a run: the counts, the failures by reason with advice, the proxies, the place of the results and the
 * next command. Ends with a newline.
 */
export function renderReport(report: RunReport, rendering: ReportRendering): string {
  const { directory, date, style = plainText } = rendering;
  const groups = report.reasons.filter(
    ({ state }) => state !== "pending" && state !== "leased" && state !== "done",
  );
  const blocks = [
    [
      formatHeadline(report, style),
      `  ${formatEquation(report)}`,
      ...formatRemoved(report),
      ...formatCause(report),
    ].join("\n"),
    ...groups.map((group) => renderGroup(group, style)),
    ...(report.proxies === undefined ? [] : [renderProxyReport(report.proxies, { date, style })]),
    [`Results   ${formatResultsPlace(report, directory)}`, ...nextSteps(report, rendering)].join("\n"),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** Formats the equation that holds for every run. */
export function formatEquation({ lines, done, failed, skipped, unknown, waiting }: RunReport): string {
  const terms = Object.entries({ done, failed, skipped, unknown, waiting }).map(
    ([name, count]) => `${name} ${formatCount(count)}`,
  );
  return `lines ${formatCount(lines)} = ${terms.join(" + ")}`;
}

function formatRemoved({ removed }: RunReport): readonly string[] {
  if (removed === 0) return [];
  return [`  ${formatMany(removed, "line")} ${removed === 1 ? "is" : "are"} no longer in the list`];
}

function formatCause({ why }: RunReport): readonly string[] {
  return why === undefined ? [] : [`  ${printable(why, 500)}`];
}

const headlinePrefixes: Readonly<Record<RunReport["status"], string>> = {
  complete: "",
  drained: "Interrupted: ",
  aborted: "Interrupted twice, stopped immediately: ",
  "no-proxy": "Stopped, no proxy left: ",
  running: "Running: ",
  interrupted: "Not finished, the process ended unexpectedly: ",
};

function formatHeadline(report: RunReport, style: Styler): string {
  const color: Style =
    report.done + report.skipped === report.lines
      ? "green"
      : report.failed + report.unknown > 0
        ? "red"
        : "yellow";
  const work = `${formatMany(report.attempts, "attempt")}, ${formatBytes(report.bytes)}, ${formatTime(report.elapsed)}`;
  return `${style(color, `${headlinePrefixes[report.status]}${formatCount(report.done)} of ${formatMany(report.lines, "line")} fetched`)} (${work})`;
}

const stateColors: Readonly<Record<ReasonGroup["state"], Style>> = {
  pending: "dim",
  leased: "dim",
  done: "green",
  failed: "red",
  deferred: "yellow",
  unknown: "red",
  skipped: "dim",
};

function renderGroup(
  { state, reason, advice, count, retryable, samples }: ReasonGroup,
  style: Styler,
): string {
  const outlook = state === "failed" ? (retryable ? " (a retry may succeed)" : " (permanent)") : "";
  const width = Math.max(...samples.map(({ line }) => String(line).length));
  const more = count - samples.length;
  const lines = [
    `${style(stateColors[state], `${formatCount(count)} ${state === "deferred" ? "waiting" : state}`)}: ${printable(reason)}${outlook}`,
    ...(advice === "" ? [] : [`  ${formatAdvice(advice)}`]),
    ...samples.map(({ line, url }) =>
      style("dim", `  line ${String(line).padStart(width)}  ${printable(url)}`),
    ),
    ...(more > 0 && samples.length > 0 ? [style("dim", `  and ${formatCount(more)} more`)] : []),
  ];
  return lines.join("\n");
}

function formatResultsPlace({ done }: RunReport, directory: string): string {
  const folder = quoteForShell(printable(directory, 1_000));
  return done === 0 ? folder : `${folder} (holdfast export ${folder} -o results.jsonl)`;
}

/** Returns the command that continues the run, or else the one that retries failed lines, or nothing. */
export function nextSteps(
  report: RunReport,
  { resume, resumeNote, date }: Pick<ReportRendering, "resume" | "resumeNote" | "date">,
): readonly string[] {
  const open =
    report.waiting +
    countLines(report.reasons.filter(({ state, retryable }) => state === "failed" && retryable));
  const permanent = countLines(
    report.reasons.filter(
      ({ state, reason, retryable }) => state === "failed" && !retryable && !reason.startsWith("bad-input"),
    ),
  );
  const wait =
    report.nextRetryAt === undefined || report.nextRetryAt <= date
      ? ""
      : ` (first retry possible in ${formatSeconds(report.nextRetryAt - date)})`;
  if (report.status === "running") return [];
  const note = resumeNote === undefined ? [] : [`          (${resumeNote})`];
  if (open > 0) return [`Continue  ${resume}${wait}`, ...note];
  return permanent > 0 ? [`Retry     ${resume} --retry-failed`, ...note] : [];
}

function countLines(groups: readonly ReasonGroup[]): number {
  return groups.reduce((total, { count }) => total + count, 0);
}

/** Quotes a word so that a POSIX shell reads it as one word. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
