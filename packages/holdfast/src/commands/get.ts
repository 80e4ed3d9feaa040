import type { DownloadResult, HttpResponse, Session, StatusError } from "@holdfast/http";
import type { ProxyPool } from "@holdfast/proxies";
import { optionsFileFlag, optionsFileHelp, readOptions } from "../command-line/options-file.ts";
import type { ParsedOptions } from "../command-line/parse-options.ts";
import { parseOnlyUrl } from "../command-line/url.ts";
import { exitCodeOfVerdict, exitCodes } from "../process/exit-codes.ts";
import type { Io } from "../process/io.ts";
import { printable } from "../process/printable.ts";
import { OptionError, UsageError } from "../process/usage-error.ts";
import { checkWritable, writeAll, writeFile, writeText } from "../process/write.ts";
import { formatAdvice } from "../render/advice.ts";
import { decodeResponseHead, encodeResponseHead, formatAttempt } from "../render/attempts.ts";
import { stylerFor } from "../render/style.ts";
import type { Command } from "./command.ts";
import { openPool, proxyFlags, proxyFormsHelp, proxyHelp, readProxyFlags } from "./proxy-flags.ts";
import type { ProxySettings } from "./proxy-flags.ts";
import { openSession, readSessionFlags, sessionFlags, sessionHelp, unitsHelp } from "./session-flags.ts";
import type { SessionSettings } from "./session-flags.ts";

const getFlags = {
  ...sessionFlags,
  ...proxyFlags,
  ...optionsFileFlag,
  output: { type: "string", short: "o" },
  digest: { type: "string" },
  include: { type: "boolean", short: "i" },
  raw: { type: "boolean" },
  verbose: { type: "boolean", short: "v" },
} as const;

const getHelp = `Fetch one URL and write the body to standard output

Usage
  holdfast get URL [options]

Options
  -o, --output FILE        write the body to a file, of any size; repeat the
                           command to resume an interrupted download
  --digest DIGEST          expected digest of FILE: sha-256=HEX or sha-512=HEX
  -i, --include            write the status and the headers before the body
  --raw                    write the body to a terminal unchanged, also binary
                           data; without it, control characters are escaped
  -v, --verbose            print each attempt on standard error
${sessionHelp("2G", "none")}
${proxyHelp}
${optionsFileHelp}

${unitsHelp}

${proxyFormsHelp}

Examples
  holdfast get https://example.com/
  holdfast get -v --attempts 6 --timeout 2m https://example.com/report.csv
  holdfast get -o big.iso --digest sha-256=9f86d081... https://example.com/big
  holdfast get -H 'Accept: application/json' https://api.example.com/users/1
  holdfast get --proxies proxies.txt --country us https://example.com/

Exit codes: 0 success, 3 failed permanently, 4 failed and a later retry may
succeed, 8 no proxy available.
`;

/** `holdfast get`: fetches one URL. */
export const getCommand: Command = {
  help: getHelp,
  run: async (argv, io) => {
    const { values, url, file, session: settings, proxies } = readOptions(argv, getFlags, validateGetFlags);
    const route = proxies === undefined ? {} : await chooseRoute(proxies, url);
    const session = await openSession(settings, { env: io.env, ...route });
    if (values.verbose === true) printAttempts(session, io);
    try {
      if (file !== undefined) {
        const { path, ...options } = file;
        return await exitCodeOfDownload(session.download(url, path, { ...route.request, ...options }), io);
      }
      const response = await session.get(url, route.request);
      await printResponse(response, {
        output: values.output,
        include: values.include === true,
        raw: values.raw === true,
        io,
      });
      return exitCodeOfVerdict(response.verdict.kind);
    } finally {
      await session.close();
    }
  },
};

interface GetSettings {
  readonly values: ParsedOptions<typeof getFlags>["values"];
  readonly url: URL;
  readonly file: OutputFile | undefined;
  readonly session: SessionSettings;
  readonly proxies: ProxySettings | undefined;
}

function validateGetFlags({ values, positionals }: ParsedOptions<typeof getFlags>): GetSettings {
  return {
    values,
    url: parseOnlyUrl(positionals),
    file: readDownloadTarget(values),
    session: readSessionFlags(values),
    proxies: readProxyFlags(values),
  };
}

/** The `proxy` options of the session and of its one request. */
interface GetRoute {
  readonly proxy?: string | ProxyPool;
  readonly request?: { readonly proxy: { readonly country: string } };
}

/** Uses a single proxy without a pool: a pool would pause it after a failure, with no other proxy to use meanwhile. */
async function chooseRoute(settings: ProxySettings, url: URL): Promise<GetRoute> {
  const { country } = settings;
  const pool = await openPool(settings);
  if (pool.size > 1 || settings.rotatesPerConnection)
    return { proxy: pool, ...(country !== undefined && { request: { proxy: { country } } }) };
  const lease = await pool.lease({ url, country });
  lease[Symbol.dispose]();
  return { proxy: lease.url };
}

/** A file for the body, and its expected digest. */
interface OutputFile {
  readonly path: string;
  readonly digest?: string;
}

/** Returns the file for the body alone; undefined when the body goes to standard output or follows its headers. */
function readDownloadTarget({
  output,
  include,
  digest,
}: ParsedOptions<typeof getFlags>["values"]): OutputFile | undefined {
  if (output !== undefined && output !== "-" && include !== true)
    return { path: output, ...(digest !== undefined && { digest }) };
  if (output !== undefined && output !== "-") checkWritable(output);
  if (digest !== undefined)
    throw new OptionError("digest", "requires -o FILE and cannot be combined with --include");
  return undefined;
}

/** Waits for a download, and returns the exit code of its result. */
async function exitCodeOfDownload(download: Promise<DownloadResult>, io: Io): Promise<number> {
  try {
    await download;
    return exitCodes.done;
  } catch (error) {
    // TypeErrors of Node have a code.
    if (error instanceof TypeError && !("code" in error)) throw new UsageError(error.message);
    if (!isStatusError(error)) throw error;
    printFailure(error.response, io);
    return exitCodeOfVerdict(error.response.verdict.kind);
  }
}

// Compares the code, because `instanceof` would load the transport.
function isStatusError(error: unknown): error is StatusError {
  return error instanceof Error && "code" in error && error.code === "ERR_STATUS";
}

/** Prints each attempt when it ends. */
function printAttempts(session: Session, io: Io): void {
  const style = stylerFor({ isTTY: io.stderr.isTTY, env: io.env });
  session.hooks.attempt.push((attempt) => void io.stderr.write(`${formatAttempt(attempt, style)}\n`));
}

interface PrintOptions {
  readonly output: string | undefined;
  readonly include: boolean;
  readonly raw: boolean;
  readonly io: Io;
}

async function printResponse(response: HttpResponse, options: PrintOptions): Promise<void> {
  const { output, include, io } = options;
  const isStdout = output === undefined || output === "-";
  if (isStdout && io.stdout.isTTY === true) await printOnTerminal(response, options);
  else {
    const chunks = [...(include ? [encodeResponseHead(response)] : []), response.content];
    if (isStdout) await writeAll(io.stdout, chunks);
    else await writeFile(output, chunks, io.clock);
  }
  printFailure(response, io);
}

/** Writes the head and the body as text, or as it is with `raw`. @throws UsageError for binary data, as curl does. */
async function printOnTerminal(response: HttpResponse, { include, raw, io }: PrintOptions): Promise<void> {
  if (include) await writeText(io.stdout, [decodeResponseHead(response)]);
  if (raw) return writeAll(io.stdout, [response.content]);
  const text = await response.text();
  if (text.includes("\0"))
    throw new UsageError(
      "the body is binary data, which could disturb the terminal: use -o FILE, or --raw to write it anyway",
    );
  await writeText(io.stdout, [text]);
}

function printFailure({ verdict, retryAt }: HttpResponse, io: Io): void {
  if (verdict.kind === "success") return;
  const advice = verdict.advice === "" ? "" : `: ${formatAdvice(verdict.advice)}`;
  io.stderr.write(`holdfast get: ${printable(verdict.reason)}${advice}\n`);
  if (retryAt !== undefined)
    io.stderr.write(`  The server accepts a retry at ${new Date(retryAt).toISOString()}\n`);
}
