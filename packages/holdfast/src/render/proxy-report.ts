import type { RunProxyStats, ProxyReport } from "@holdfast/runner";
import { formatTable } from "./table.ts";
import { plainText } from "./style.ts";
import type { Style, Styler } from "./style.ts";
import { printable } from "../process/printable.ts";
import { formatBytes, formatCount, formatMany, formatSeconds } from "./quantities.ts";

/** The most proxies that a report shows one by one. */
const mostShown = 20;

const head = [
  "proxy",
  "requests",
  "ok",
  "blocked",
  "limited",
  "failed",
  "cooldowns",
  "bytes",
  "state",
] as const;

/** Tells how the proxies of a run did: the sum, and the worst of them with the reasons; the lines have no newline at the end. */
export function renderProxyReport(
  { totals: sum, byProxy: figures }: ProxyReport,
  { date, style = plainText }: { readonly date: number; readonly style?: Styler },
): string {
  const shown = figures.slice(0, mostShown);
  const more = figures.length - shown.length;
  const rows = shown.map((each) => rowOf(each, date));
  const table = formatTable([head, ...rows], { right: head.slice(1, -1) });
  return [
    sumLine(figures, sum, date),
    ...table.map((line, index) => style(proxyColor(shown[index - 1]), `  ${line}`)),
    ...(more > 0 ? [style("dim", `  and ${formatCount(more)} more`)] : []),
  ].join("\n");
}

function sumLine(figures: ProxyReport["byProxy"], sums: ProxyReport["totals"], date: number): string {
  const { proxies, requests, successes, blocks, bytes } = sums;
  const states = Map.groupBy(figures, (each) =>
    coolsDownUntil(each) > date ? "cooling down" : each.state.replace("-", " "),
  );
  const counted = [...states]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([state, { length }]) => `${formatCount(length)} ${state}`);
  const worst = figures.length > mostShown ? "; the worst first" : "";
  return `Proxies  ${formatCount(proxies)} (${counted.join(", ")}): ${formatMany(requests, "request")}, ${formatCount(successes)} ok, ${formatCount(blocks)} blocked, ${formatBytes(bytes)}${worst}`;
}

function coolsDownUntil({ state, activeCooldowns }: RunProxyStats): number {
  return state === "retired" ? 0 : Math.max(0, ...activeCooldowns.map(({ until }) => until));
}

function rowOf(figures: RunProxyStats, date: number): readonly string[] {
  const { proxy, requests, successes, blocks, throttles, failures, cooldowns, bytes } = figures;
  return [
    printable(proxy, 60),
    ...[requests, successes, blocks, throttles, failures, cooldowns].map(formatCount),
    formatBytes(bytes),
    stateOf(figures, date),
  ];
}

/** The state, why it rested, and how many requests a block came after. */
function stateOf(figures: RunProxyStats, date: number): string {
  const { state, cooldownReasons, requestsBeforeBlock: survived = 0 } = figures;
  const until = coolsDownUntil(figures);
  const what = until > date ? `cooling down for ${formatSeconds(until - date)}` : state;
  const reasons = Object.entries(cooldownReasons)
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${words[reason] ?? reason}${count === 1 ? "" : ` x${formatCount(count)}`}`);
  const block = survived > 0 ? [`a block after ${formatMany(Math.round(survived), "request")}`] : [];
  const why = [...reasons, ...block].join(", ");
  return why === "" ? what : `${what} (${printable(why)})`;
}

// The pool's own word says no more than whose fault it was.
const words: Readonly<Record<string, string>> = { proxy: "down" };

function proxyColor(figures: RunProxyStats | undefined): Style {
  if (figures === undefined || figures.requests === 0) return "dim";
  return figures.successes === 0 ? "red" : figures.successes * 2 < figures.requests ? "yellow" : "green";
}
