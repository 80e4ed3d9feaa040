import type { ProxyCheck, ProxyChecks } from "@holdfast/http";
import { plainText } from "./style.ts";
import type { Styler } from "./style.ts";
import { printable } from "../process/printable.ts";
import { formatTable } from "./table.ts";
import { formatCount, formatTime } from "./quantities.ts";

const head = ["proxy", "works", "speaks", "exit", "time", "failure"] as const;

/** Tells which proxies of a list work, and of the others what is wrong and by whose fault; ends in a newline. */
export function renderProxyChecks({ proxies, faults }: ProxyChecks, style: Styler = plainText): string {
  const [header = "", ...lines] = formatTable([head, ...proxies.map(rowOf)], { right: ["time"] });
  const table = lines.map((line, index) => style(proxies[index]?.works === true ? "green" : "red", line));
  const bad = faults.map((fault) => style("red", printable(fault, 200)));
  const works = proxies.filter((proxy) => proxy.works).length;
  const total = proxies.length + faults.length;
  const sum = `${formatCount(works)} of ${formatCount(total)} ${total === 1 ? "works" : "work"}`;
  return `${[style("dim", header), ...table, ...bad, "", sum].join("\n")}\n`;
}

function rowOf({ proxy, works, kind, exit, latency, failure }: ProxyCheck): readonly string[] {
  return [
    printable(proxy, 60),
    works ? "yes" : "no",
    kind ?? "unknown",
    works ? (exit ?? "unknown") : "-",
    latency === undefined ? "-" : formatTime(latency),
    failure === undefined ? "" : failureText(failure),
  ];
}

const faults = {
  proxy: "the proxy's fault",
  origin: "the site's fault",
  unknown: "the proxy's or the site's fault",
} as const;

function failureText({ reason, fault, message }: NonNullable<ProxyCheck["failure"]>): string {
  const whose = fault === undefined ? "" : `, ${faults[fault]}`;
  return `${reason}${whose}: ${printable(message, 160)}`;
}
