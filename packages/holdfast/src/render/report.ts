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
  /** The present time in epoch milliseconds. */
  readonly date: number;
  readonly style?: Styler;
}

/**
 * Renders the report of a run: the counts, the failures by reason with advice, the proxies, the place of the results and the
 * next command. Ends with a newline.
 */
export function renderReport(
  report: RunReport,
  { directory, resume, date, style = plainText }: ReportRendering,
): string {
  const groups = report.reasons.filter(
    ({ state }) => state !== "pending" && state !== "leased" && state !== "done",
  );
  const blocks = [
    [formatHeadline(report, style), `  ${formatEquation(report)}`, ...formatCause(report)].join("\n"),
    ...groups.map((group) => renderGroup(group, style)),
    ...(report.proxies === undefined ? [] : [renderProxyReport(report.proxies, { date, style })]),
    [`Results   ${formatResultsPlace(report, directory)}`, ...nextSteps(report, { resume, date })].join("\n"),
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
  { resume, date }: Pick<ReportRendering, "resume" | "date">,
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
  if (open > 0) return [`Continue  ${resume}${wait}`];
  return permanent > 0 ? [`Retry     ${resume} --retry-failed`] : [];
}

function countLines(groups: readonly ReasonGroup[]): number {
  return groups.reduce((total, { count }) => total + count, 0);
}

/** Quotes a word so that a POSIX shell reads it as one word. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Formats the command line of this process without `--retry-failed`, and without the values of headers and proxies. */
export function formatCommandLine(argv: readonly string[]): string {
  const words = argv.map((word, index) => {
    const [, option, value] = /^(-[Hx]|--header=|--proxy=)(.+)$/s.exec(word) ?? [];
    if (option !== undefined && value !== undefined) return `${option}${hideValue(option, value)}`;
    const before = argv[index - 1] ?? "";
    return ["-H", "--header", "-x", "--proxy"].includes(before) ? hideValue(before, word) : word;
  });
  return [
    "holdfast",
    ...words.filter((word) => word !== "--retry-failed").map((word) => quoteForShell(printable(word, 1_000))),
  ].join(" ");
}

function hideValue(option: string, value: string): string {
  return /^-x|proxy/.test(option) ? "***" : `${value.split(":", 1)[0] ?? ""}: ***`;
}
