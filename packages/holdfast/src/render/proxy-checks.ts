import type { ProxyCheck, ProxyChecks } from "@holdfast/proxies";
import { printable } from "../process/printable.ts";
import { formatCount, formatTime } from "./quantities.ts";
import { plainText } from "./style.ts";
import type { Styler } from "./style.ts";
import { formatTable } from "./table.ts";

const checkColumns = ["proxy", "works", "protocol", "exit", "time", "failure"] as const;

/** Renders the results of `proxies check` as a table, invalid lines after it, and the total. Ends with a newline. */
export function renderProxyChecks({ proxies, faults }: ProxyChecks, style: Styler = plainText): string {
  const [header = "", ...lines] = formatTable([checkColumns, ...proxies.map(toCheckRow)], {
    right: ["time"],
  });
  const table = lines.map((line, index) => style(proxies[index]?.works === true ? "green" : "red", line));
  const invalid = faults.map((fault) => style("red", printable(fault, 200)));
  const works = proxies.filter((proxy) => proxy.works).length;
  const all = proxies.length + faults.length;
  const total = `${formatCount(works)} of ${formatCount(all)} ${all === 1 ? "works" : "work"}`;
  return `${[style("dim", header), ...table, ...invalid, "", total].join("\n")}\n`;
}

function toCheckRow({ proxy, works, kind, exit, latency, failure }: ProxyCheck): readonly string[] {
  return [
    printable(proxy, 60),
    works ? "yes" : "no",
    kind ?? "unknown",
    works ? (exit ?? "unknown") : "-",
    latency === undefined ? "-" : formatTime(latency),
    failure === undefined ? "" : describeCheckFailure(failure),
  ];
}

const faultyParties = {
  proxy: "the proxy's fault",
  origin: "the site's fault",
  unknown: "the proxy's or the site's fault",
} as const;

function describeCheckFailure({ reason, fault, message }: NonNullable<ProxyCheck["failure"]>): string {
  const party = fault === undefined ? "" : `, ${faultyParties[fault]}`;
  return `${reason}${party}: ${printable(message, 160)}`;
}
