import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { redact } from "@holdfast/policy";
import type { ProxyChecks } from "@holdfast/proxies";
import { optionsFileFlag, optionsFileHelp, readOptions } from "../command-line/options-file.ts";
import { parseDuration, parseWholeNumber } from "../command-line/parse-options.ts";
import type { ParsedOptions } from "../command-line/parse-options.ts";
import { suggest } from "@holdfast/policy/internal";
import { parseHttpUrl } from "../command-line/url.ts";
import { exitCodes } from "../process/exit-codes.ts";
import type { Io } from "../process/io.ts";
import { printable, toPrintableJson } from "../process/printable.ts";
import { OptionError, UsageError } from "../process/usage-error.ts";
import { writeAll } from "../process/write.ts";
import { renderProxyChecks } from "../render/proxy-checks.ts";
import { stylerFor } from "../render/style.ts";
import type { Command } from "./command.ts";
import { checkProxyFile } from "./proxy-flags.ts";

const proxyCheckFlags = {
  url: { type: "string" },
  concurrency: { type: "string", short: "j" },
  timeout: { type: "string" },
  country: { type: "string" },
  json: { type: "boolean" },
  ...optionsFileFlag,
} as const;

const proxiesHelp = `Test each proxy of a list and show why it fails

Usage
  holdfast proxies check FILE --url URL [options]

FILE has one proxy per line, or is a JSON list; - is standard input. The command
requests URL once through each proxy. It tries a line without a scheme as http,
then as socks5, then as socks4. If the body is an address, alone or as JSON such
as {"origin": "203.0.113.9"} or {"ip": "..."}, the command shows it as the exit
address of the proxy.

Options
  --url URL                the URL to request through each proxy (required)
  -j, --concurrency N      maximum proxies tested at the same time (16)
  --timeout TIME           limit for a connection, then for silence (10s)
  --country CODE           value of {country} in a template
  --json                   write the results as JSON
${optionsFileHelp}

Examples
  holdfast proxies check proxies.txt --url https://httpbin.org/ip
  holdfast proxies check proxies.txt --url https://example.com/ -j 50
  holdfast proxies check - --url https://httpbin.org/ip --json <proxies.txt

Exit codes: 0 all proxies work, 3 some do not, 8 none works.
`;

/** `holdfast proxies check`: tests the proxies of a list. */
export const proxiesCommand: Command = {
  help: proxiesHelp,
  run: async (argv, io) => {
    const { file, url, json, ...settings } = readOptions(argv, proxyCheckFlags, validateProxyCheckFlags);
    const list = await readProxyList(file, io);
    const name = file === "-" ? "standard input" : basename(file);
    const { checkProxies } = await import("@holdfast/proxies");
    const checks = await checkProxies(list, { url, name, ...settings });
    if (checks.proxies.length + checks.faults.length === 0) throw new UsageError(`${name} contains no proxy`);
    const style = stylerFor({ isTTY: io.stdout.isTTY, env: io.env });
    await writeAll(io.stdout, [json ? toProxyCheckJson(url, checks) : renderProxyChecks(checks, style)]);
    return exitCodeOfChecks(checks);
  },
};

interface ProxyCheckSettings {
  readonly file: string;
  readonly url: string;
  readonly concurrency: number;
  readonly timeout: number;
  readonly country: string | undefined;
  readonly json: boolean;
}

function validateProxyCheckFlags({
  values,
  positionals,
}: ParsedOptions<typeof proxyCheckFlags>): ProxyCheckSettings {
  const file = parseProxyFile(positionals);
  if (values.url === undefined)
    throw new OptionError("url", "is required: the URL to request through each proxy");
  return {
    file,
    url: parseHttpUrl(values.url).href,
    concurrency: parseWholeNumber("concurrency", values.concurrency, { min: 1, max: 1_000 }) ?? 16,
    timeout: parseDuration("timeout", values.timeout) ?? 10_000,
    country: values.country,
    json: values.json === true,
  };
}

function parseProxyFile([command, file, ...more]: readonly string[]): string {
  if (command === undefined) throw new UsageError("expected a command: holdfast proxies check FILE");
  if (command !== "check") {
    const suggestion = suggest(command, ["check"]) === undefined ? "" : " (did you mean check?)";
    throw new UsageError(`unknown command proxies ${printable(command)}${suggestion}`);
  }
  if (file === undefined || more.length > 0)
    throw new UsageError(`expected one list of proxies, got ${more.length + Number(file !== undefined)}`);
  return file;
}

async function readProxyList(file: string, io: Io): Promise<string> {
  if (file !== "-") {
    await checkProxyFile(file);
    return readFile(file, "utf8");
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

function toProxyCheckJson(url: string, { proxies, faults }: ProxyChecks): string {
  const works = proxies.filter((proxy) => proxy.works).length;
  const fails = proxies.length - works + faults.length;
  return `${toPrintableJson({ url: redact(url), works, fails, proxies, badLines: faults })}\n`;
}

function exitCodeOfChecks({ proxies, faults }: ProxyChecks): number {
  const works = proxies.filter((proxy) => proxy.works).length;
  if (works === 0) return exitCodes.noProxy;
  return works < proxies.length + faults.length ? exitCodes.rejected : exitCodes.done;
}
