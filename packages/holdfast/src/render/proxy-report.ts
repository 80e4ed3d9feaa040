import { ownValue } from "@holdfast/policy/internal";
import type { ProxyReport, RunProxyStats } from "@holdfast/runner";
import { printable } from "../process/printable.ts";
import { formatBytes, formatCount, formatMany, formatSeconds } from "./quantities.ts";
import { plainText } from "./style.ts";
import type { Style, Styler } from "./style.ts";
import { formatTable } from "./table.ts";

/** The maximum number of proxies in a report. */
const maxRows = 20;

const reportColumns = [
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

/** Renders the proxies of a run: the totals, and a table of the worst proxies. Does not end with a newline. */
export function renderProxyReport(
  { totals, byProxy }: ProxyReport,
  { date, style = plainText }: { readonly date: number; readonly style?: Styler },
): string {
  const shown = byProxy.slice(0, maxRows);
  const more = byProxy.length - shown.length;
  const rows = shown.map((proxy) => toReportRow(proxy, date));
  const table = formatTable([reportColumns, ...rows], { right: reportColumns.slice(1, -1) });
  return [
    formatTotals(byProxy, totals, date),
    ...table.map((line, index) => style(proxyColor(shown[index - 1]), `  ${line}`)),
    ...(more > 0 ? [style("dim", `  and ${formatCount(more)} more`)] : []),
  ].join("\n");
}

function formatTotals(
  byProxy: ProxyReport["byProxy"],
  { proxies, requests, successes, blocks, bytes }: ProxyReport["totals"],
  date: number,
): string {
  const states = Map.groupBy(byProxy, (proxy) =>
    cooldownEnd(proxy) > date ? "cooling down" : formatState(proxy),
  );
  const counts = [...states]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([state, { length }]) => `${formatCount(length)} ${state}`);
  const order = byProxy.length > maxRows ? "; worst first" : "";
  return `Proxies   ${formatCount(proxies)} (${counts.join(", ")}): ${formatMany(requests, "request")}, ${formatCount(successes)} ok, ${formatCount(blocks)} blocked, ${formatBytes(bytes)}${order}`;
}

function formatState({ state }: RunProxyStats): string {
  return state.replaceAll("-", " ");
}

/** Returns the end of the longest cooldown in epoch milliseconds; 0 without one. */
function cooldownEnd({ state, activeCooldowns }: RunProxyStats): number {
  return state === "retired" ? 0 : Math.max(0, ...activeCooldowns.map(({ until }) => until));
}

function toReportRow(proxy: RunProxyStats, date: number): readonly string[] {
  const { requests, successes, blocks, throttles, failures, cooldowns, bytes } = proxy;
  return [
    printable(proxy.proxy, 60),
    ...[requests, successes, blocks, throttles, failures, cooldowns].map(formatCount),
    formatBytes(bytes),
    describeProxyState(proxy, date),
  ];
}

/** Describes the state, the reasons of the cooldowns, and the usual number of requests before a block. */
function describeProxyState(proxy: RunProxyStats, date: number): string {
  const { cooldownReasons, requestsBeforeBlock = 0 } = proxy;
  const until = cooldownEnd(proxy);
  const state = until > date ? `cooling down for ${formatSeconds(until - date)}` : formatState(proxy);
  const reasons = Object.entries(cooldownReasons)
    .toSorted(([, a], [, b]) => b - a)
    .map(
      ([name, count]) =>
        `${ownValue(reasonNames, name) ?? name}${count === 1 ? "" : ` x${formatCount(count)}`}`,
    );
  const block =
    requestsBeforeBlock > 0
      ? [`blocked after ${formatMany(Math.round(requestsBeforeBlock), "request")}`]
      : [];
  const details = [...reasons, ...block].join(", ");
  return details === "" ? state : `${state} (${printable(details)})`;
}

// The pool's reason only says that the proxy is at fault.
const reasonNames: Readonly<Record<string, string>> = { proxy: "down" };

function proxyColor(proxy: RunProxyStats | undefined): Style {
  if (proxy === undefined || proxy.requests === 0) return "dim";
  return proxy.successes === 0 ? "red" : proxy.successes * 2 < proxy.requests ? "yellow" : "green";
}
