import type { Response, Session } from "@holdfast/http";
import { parseCommandLine } from "../arguments.ts";
import { exitCodeOfVerdict } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import type { Command } from "../program.ts";
import { adviceText } from "../render/advice.ts";
import { attemptLine, headText } from "../render/attempts.ts";
import { paintFor } from "../render/paint.ts";
import { printable } from "../render/printable.ts";
import { UsageError } from "../usage-error.ts";
import { writeAll, writeWhole } from "../write.ts";
import { openSession, readSessionFlags, sessionFlags, sessionHelp, unitsHelp } from "./session-flags.ts";

const flags = {
  ...sessionFlags,
  output: { type: "string", short: "o" },
  include: { type: "boolean", short: "i" },
  verbose: { type: "boolean", short: "v" },
} as const;

const help = `Fetch one URL, with the retries of a run, and write its body to standard output

Usage
  holdfast get URL [options]

Options
  -o, --output FILE        write the body there, once it is complete
  -i, --include            the status and the headers before the body
  -v, --verbose            every attempt on standard error
${sessionHelp("2G")}

${unitsHelp}

Examples
  holdfast get https://example.com/
  holdfast get -v --attempts 6 --timeout 2m https://example.com/report.csv
  holdfast get -H 'Accept: application/json' https://api.example.com/users/1

Exit status: 0 success, 3 refused for good, 4 a later retry might fix it.
`;

/** Fetches one URL. */
export const getCommand: Command = {
  help,
  run: async (argv, io) => {
    const { values, positionals } = parseCommandLine(argv, flags);
    const url = onlyUrl(positionals);
    const session = await openSession(readSessionFlags(values));
    if (values.verbose === true) logAttempts(session, io);
    try {
      const response = await session.get(url);
      await deliver(response, { output: values.output, include: values.include === true, io });
      return exitCodeOfVerdict(response.verdict.kind);
    } finally {
      await session.close();
    }
  },
};

/**
 * Gives the one URL that the command was told.
 *
 * @throws UsageError when it is missing, not alone, or not one of http or https.
 */
export function onlyUrl(positionals: readonly string[]): URL {
  const [text, ...more] = positionals;
  if (text === undefined || more.length > 0)
    throw new UsageError(`give one URL, got ${positionals.length} (a list is fetched by holdfast run)`);
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  const meant =
    URL.canParse(`https://${text}`) && !text.includes("://")
      ? ` (did you mean https://${printable(text)}?)`
      : "";
  throw new UsageError(`${JSON.stringify(printable(text))} is not an http or https URL${meant}`);
}

/** Tells of each attempt as soon as it has ended. */
function logAttempts(session: Session, io: Io): void {
  const paint = paintFor({ isTTY: io.stderr.isTTY, env: io.env });
  session.hooks.attempt.push((attempt) => void io.stderr.write(`${attemptLine(attempt, paint)}\n`));
}

interface Delivery {
  readonly output: string | undefined;
  readonly include: boolean;
  readonly io: Io;
}

async function deliver(response: Response, { output, include, io }: Delivery): Promise<void> {
  const { verdict } = response;
  const chunks = [...(include ? [headText(response)] : []), response.content];
  if (output === undefined || output === "-") await writeAll(io.stdout, chunks);
  else await writeWhole(output, chunks);
  if (verdict.kind === "success") return;
  if (response.retryAt !== undefined)
    io.stderr.write(`The server may be asked again at ${new Date(response.retryAt).toISOString()}\n`);
  io.stderr.write(
    `holdfast get: ${printable(verdict.reason)}${verdict.advice === "" ? "" : `: ${adviceText(verdict.advice)}`}\n`,
  );
}
