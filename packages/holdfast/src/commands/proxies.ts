import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { ProxyChecks } from "@holdfast/http";
import { parseDuration, parseWholeNumber } from "../command-line/options.ts";
import type { ParsedOptions } from "../command-line/options.ts";
import { optionsFileFlag, optionsFileHelp, readOptions } from "../command-line/options-file.ts";
import { parseHttpUrl } from "../command-line/url.ts";
import { exitCodes } from "../process/exit-codes.ts";
import type { Io } from "../process/io.ts";
import type { Command } from "./command.ts";
import { stylerFor } from "../render/style.ts";
import { renderProxyChecks } from "../render/proxy-checks.ts";
import { suggest } from "../command-line/suggest.ts";
import { UsageError } from "../process/usage-error.ts";
import { writeAll } from "../process/write.ts";
import { checkProxyFile } from "./proxy-flags.ts";

const flags = {
  url: { type: "string" },
  concurrency: { type: "string", short: "j" },
  timeout: { type: "string" },
  country: { type: "string" },
  json: { type: "boolean" },
  ...optionsFileFlag,
} as const;

const help = `Say which proxies of a list work, and of the others what is wrong

Usage
  holdfast proxies check FILE --url URL [options]

FILE has a proxy on each line, or is a JSON list; - is standard input. Each of
them is asked for URL once. A line without a scheme is tried as http, then as
socks5, then as socks4. Where the answer is the address that it was asked from,
such as {"origin": "203.0.113.9"}, {"ip": "..."} or the address alone, it is
shown as the exit.

Options
  --url URL                what is asked for through each proxy
  -j, --concurrency N      proxies at a time (16)
  --timeout TIME           until a connection stands, and then of silence (10s)
  --country CODE           what stands for {country} in a template
  --json                   everything as JSON
${optionsFileHelp}

Examples
  holdfast proxies check proxies.txt --url https://httpbin.org/ip
  holdfast proxies check proxies.txt --url https://example.com/ -j 50
  holdfast proxies check - --url https://httpbin.org/ip --json <proxies.txt

Exit status: 0 all work, 3 some do not, 8 none works.
`;

/** Tries the proxies of a list. */
export const proxiesCommand: Command = {
  help,
  run: async (argv, io) => {
    const { file, url, json, ...settings } = readOptions(argv, flags, settingsOf);
    const list = await textOf(file, io);
    const name = file === "-" ? "standard input" : basename(file);
    const { checkProxies } = await import("@holdfast/http");
    const checks = await checkProxies(list, { url, name, ...settings });
    if (checks.proxies.length + checks.faults.length === 0)
      throw new UsageError(`there is no proxy in ${name}`);
    const style = stylerFor({ isTTY: io.stdout.isTTY, env: io.env });
    await writeAll(io.stdout, [json ? jsonOf(url, checks) : renderProxyChecks(checks, style)]);
    return exitCodeOf(checks);
  },
};

interface CheckSettings {
  readonly file: string;
  readonly url: string;
  readonly concurrency: number;
  readonly timeout: number;
  readonly country: string | undefined;
  readonly json: boolean;
}

function settingsOf({ values, positionals }: ParsedOptions<typeof flags>): CheckSettings {
  const file = fileOf(positionals);
  if (values.url === undefined) throw new UsageError("--url URL says what to ask for through each proxy");
  return {
    file,
    url: parseHttpUrl(values.url).href,
    concurrency: parseWholeNumber("--concurrency", values.concurrency, { min: 1, max: 1_000 }) ?? 16,
    timeout: parseDuration("--timeout", values.timeout) ?? 10_000,
    country: values.country,
    json: values.json === true,
  };
}

function fileOf([command, file, ...more]: readonly string[]): string {
  if (command !== "check") {
    const meant = suggest(command ?? "", ["check"]);
    throw new UsageError(
      `say what to do with them: check${meant === undefined ? "" : ` (did you mean ${meant}?)`}`,
    );
  }
  if (file === undefined || more.length > 0)
    throw new UsageError(`give one list of proxies, got ${more.length + Number(file !== undefined)}`);
  return file;
}

async function textOf(file: string, io: Io): Promise<string> {
  if (file !== "-") {
    await checkProxyFile(file);
    return readFile(file, "utf8");
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

function jsonOf(url: string, { proxies, faults }: ProxyChecks): string {
  const works = proxies.filter((proxy) => proxy.works).length;
  const fails = proxies.length - works + faults.length;
  return `${JSON.stringify({ url, works, fails, proxies, badLines: faults }, null, 2)}\n`;
}

function exitCodeOf({ proxies, faults }: ProxyChecks): number {
  const works = proxies.filter((proxy) => proxy.works).length;
  if (works === 0) return exitCodes.noProxy;
  return works < proxies.length + faults.length ? exitCodes.rejected : exitCodes.done;
}
