import type { ReasonGroup, RunReport } from "@holdfast/runner";
import { formatAdvice } from "./advice.ts";
import { plainText } from "./style.ts";
import type { Style, Styler } from "./style.ts";
import { printable } from "../process/printable.ts";
import { renderProxyReport } from "./proxy-report.ts";
import { formatBytes, formatCount, formatMany, formatSeconds, formatTime } from "./quantities.ts";

/** What a report needs besides its numbers. */
export interface ReportRendering {
  readonly directory: string;
  /** The command line that goes on with the run. */
  readonly resume: string;
  /** Now, in epoch milliseconds. */
  readonly date: number;
  readonly style?: Styler;
}

/** Tells a person what became of every line, why, what to do, and where the results are; ends in a newline. */
export function renderReport(
  report: RunReport,
  { directory, resume, date, style = plainText }: ReportRendering,
): string {
  const groups = report.reasons.filter(
    ({ state }) => state !== "pending" && state !== "leased" && state !== "done",
  );
  const blocks = [
    [headline(report, style), `  ${formatEquation(report)}`, ...whyOf(report)].join("\n"),
    ...groups.map((group) => renderGroup(group, style)),
    ...(report.proxies === undefined ? [] : [renderProxyReport(report.proxies, { date, style })]),
    [`Results  ${where(report, directory)}`, ...nextSteps(report, { resume, date })].join("\n"),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** Writes the sum that must hold for every run. */
export function formatEquation({ lines, done, failed, skipped, unknown, waiting }: RunReport): string {
  const terms = Object.entries({ done, failed, skipped, unknown, waiting }).map(
    ([name, count]) => `${name} ${formatCount(count)}`,
  );
  return `lines ${formatCount(lines)} = ${terms.join(" + ")}`;
}

function whyOf({ why }: RunReport): readonly string[] {
  return why === undefined ? [] : [`  ${printable(why, 500)}`];
}

const endings: Readonly<Record<RunReport["status"], string>> = {
  complete: "",
  drained: "Interrupted, what was in flight is kept: ",
  aborted: "Stopped at once, what had finished is kept: ",
  "no-proxy": "No proxy left, what had finished is kept: ",
  running: "Running: ",
  interrupted: "Broken off (the process died), what had finished is kept: ",
};

function headline(report: RunReport, style: Styler): string {
  const color: Style =
    report.done + report.skipped === report.lines
      ? "green"
      : report.failed + report.unknown > 0
        ? "red"
        : "yellow";
  const work = `${formatMany(report.attempts, "attempt")}, ${formatBytes(report.bytes)}, ${formatTime(report.elapsed)}`;
  return `${style(color, `${endings[report.status]}${formatCount(report.done)} of ${formatMany(report.lines, "line")} fetched`)} (${work})`;
}

const colors: Readonly<Record<ReasonGroup["state"], Style>> = {
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
  const hope = state === "failed" ? (retryable ? ", a retry might fix it" : ", for good") : "";
  const width = Math.max(...samples.map(({ line }) => String(line).length));
  const more = count - samples.length;
  const lines = [
    `${style(colors[state], `${formatCount(count)} ${state === "deferred" ? "waiting" : state}`)}: ${printable(reason)}${hope}`,
    ...(advice === "" ? [] : [`  ${formatAdvice(advice)}`]),
    ...samples.map(({ line, url }) =>
      style("dim", `  line ${String(line).padStart(width)}  ${printable(url)}`),
    ),
    ...(more > 0 && samples.length > 0 ? [style("dim", `  and ${formatCount(more)} more`)] : []),
  ];
  return lines.join("\n");
}

function where({ done }: RunReport, directory: string): string {
  const shown = quoteForShell(directory);
  return done === 0 ? shown : `${shown} (holdfast export ${shown} -o results.jsonl)`;
}

/** Says what can be done about the lines that are not fetched: nothing, go on, or try the failed ones again. */
export function nextSteps(
  report: RunReport,
  { resume, date }: Pick<ReportRendering, "resume" | "date">,
): readonly string[] {
  const open =
    report.waiting + sum(report.reasons.filter(({ state, retryable }) => state === "failed" && retryable));
  const closed = sum(
    report.reasons.filter(
      ({ state, reason, retryable }) => state === "failed" && !retryable && !reason.startsWith("bad-input"),
    ),
  );
  const pause =
    report.nextRetryAt === undefined || report.nextRetryAt <= date
      ? ""
      : ` (the first may be asked again in ${formatSeconds(report.nextRetryAt - date)})`;
  if (report.status === "running") return [];
  if (open > 0) return [`Go on    ${resume}${pause}`];
  return closed > 0 ? [`Again    ${resume} --retry-failed`] : [];
}

function sum(groups: readonly ReasonGroup[]): number {
  return groups.reduce((total, { count }) => total + count, 0);
}

/** Writes a word so that a POSIX shell reads it back as one word. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Writes the command that was given, without the values of its headers and its proxies, which may be secret, and without `--retry-failed`. */
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
