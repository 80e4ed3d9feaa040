import type { ProxyPool, HttpResponse, ResponsePromise, Session, StatusError } from "@holdfast/http";
import type { ParsedOptions } from "../command-line/options.ts";
import { optionsFileFlag, optionsFileHelp, readOptions } from "../command-line/options-file.ts";
import { parseOnlyUrl } from "../command-line/url.ts";
import { exitCodeOfVerdict, exitCodes } from "../process/exit-codes.ts";
import type { Io } from "../process/io.ts";
import type { Command } from "./command.ts";
import { formatAdvice } from "../render/advice.ts";
import { formatAttempt, formatResponseHead } from "../render/attempts.ts";
import { stylerFor } from "../render/style.ts";
import { printable } from "../process/printable.ts";
import { UsageError } from "../process/usage-error.ts";
import { checkWritable, writeAll, writeFileAtomically } from "../process/write.ts";
import { openPool, proxyFlags, proxyFormsHelp, proxyHelp, readProxyFlags } from "./proxy-flags.ts";
import type { ProxySettings } from "./proxy-flags.ts";
import { openSession, readSessionFlags, sessionFlags, sessionHelp, unitsHelp } from "./session-flags.ts";
import type { SessionSettings } from "./session-flags.ts";

const flags = {
  ...sessionFlags,
  ...proxyFlags,
  ...optionsFileFlag,
  output: { type: "string", short: "o" },
  digest: { type: "string" },
  include: { type: "boolean", short: "i" },
  verbose: { type: "boolean", short: "v" },
} as const;

const help = `Fetch one URL, with the retries of a run, and write its body to standard output

Usage
  holdfast get URL [options]

Options
  -o, --output FILE        save the body there, whole and of any size; the same
                           command goes on where an earlier one was stopped
  --digest DIGEST          what FILE must hash to: sha-256=HEX, sha-512=HEX
  -i, --include            the status and the headers before the body
  -v, --verbose            every attempt on standard error
${sessionHelp("2G")}
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

Exit status: 0 success, 3 refused for good, 4 a later retry might fix it,
8 no proxy is fit.
`;

/** Fetches one URL. */
export const getCommand: Command = {
  help,
  run: async (argv, io) => {
    const { values, url, file, settings, proxies } = readOptions(argv, flags, settingsOf);
    const route = proxies === undefined ? {} : await routeOf(proxies, url);
    const session = await openSession(settings, route);
    if (values.verbose === true) logAttempts(session, io);
    try {
      if (file !== undefined) return await saveFile(session.get(url, route.own), file, io);
      const response = await session.get(url, route.own);
      await deliver(response, { output: values.output, include: values.include === true, io });
      return exitCodeOfVerdict(response.verdict.kind);
    } finally {
      await session.close();
    }
  },
};

interface GetSettings {
  readonly values: ParsedOptions<typeof flags>["values"];
  readonly url: URL;
  readonly file: File | undefined;
  readonly settings: SessionSettings;
  readonly proxies: ProxySettings | undefined;
}

function settingsOf({ values, positionals }: ParsedOptions<typeof flags>): GetSettings {
  return {
    values,
    url: parseOnlyUrl(positionals),
    file: fileOf(values),
    settings: readSessionFlags(values),
    proxies: readProxyFlags(values),
  };
}

/** How the request gets there. */
interface Way {
  /** For the session. */
  readonly proxy?: string | ProxyPool;
  /** For the request. */
  readonly own?: { readonly proxy: { readonly country: string } };
}

/** A proxy that is alone, and has one address, does not rest while there is nobody else: it is asked again as a server is. */
async function routeOf(settings: ProxySettings, url: URL): Promise<Way> {
  const { country } = settings;
  const pool = await openPool(settings);
  if (pool.size > 1 || settings.rotatesPerConnection)
    return { proxy: pool, ...(country !== undefined && { own: { proxy: { country } } }) };
  const lease = await pool.lease({ url, country });
  lease[Symbol.dispose]();
  return { proxy: lease.url };
}

/** Where a body goes, and what it must be. */
interface File {
  readonly path: string;
  readonly digest: string | undefined;
}

/** The file that the body alone goes to; undefined where it goes elsewhere, or not alone. */
function fileOf({ output, include, digest }: ParsedOptions<typeof flags>["values"]): File | undefined {
  if (output !== undefined && output !== "-" && include !== true) return { path: output, digest };
  if (output !== undefined && output !== "-") checkWritable(output);
  if (digest !== undefined) throw new UsageError("--digest is for a body that goes to a file alone: -o FILE");
  return undefined;
}

async function saveFile(response: ResponsePromise, { path, digest }: File, io: Io): Promise<number> {
  try {
    await response.saveTo(path, digest === undefined ? {} : { digest });
    return exitCodes.done;
  } catch (error) {
    // Node's own are TypeErrors with a code.
    if (error instanceof TypeError && !("code" in error)) throw new UsageError(error.message);
    if (!isStatusError(error)) throw error;
    tellRefusal(error.response, io);
    return exitCodeOfVerdict(error.response.verdict.kind);
  }
}

// By its code: the class would have to be loaded for that alone.
function isStatusError(error: unknown): error is StatusError {
  return error instanceof Error && "code" in error && error.code === "ERR_STATUS";
}

/** Tells of each attempt as soon as it has ended. */
function logAttempts(session: Session, io: Io): void {
  const style = stylerFor({ isTTY: io.stderr.isTTY, env: io.env });
  session.hooks.attempt.push((attempt) => void io.stderr.write(`${formatAttempt(attempt, style)}\n`));
}

interface Delivery {
  readonly output: string | undefined;
  readonly include: boolean;
  readonly io: Io;
}

async function deliver(response: HttpResponse, { output, include, io }: Delivery): Promise<void> {
  const chunks = [...(include ? [formatResponseHead(response)] : []), response.content];
  if (output === undefined || output === "-") await writeAll(io.stdout, chunks);
  else await writeFileAtomically(output, chunks);
  tellRefusal(response, io);
}

function tellRefusal({ verdict, retryAt }: HttpResponse, io: Io): void {
  if (verdict.kind === "success") return;
  if (retryAt !== undefined)
    io.stderr.write(`The server may be asked again at ${new Date(retryAt).toISOString()}\n`);
  io.stderr.write(
    `holdfast get: ${printable(verdict.reason)}${verdict.advice === "" ? "" : `: ${formatAdvice(verdict.advice)}`}\n`,
  );
}
