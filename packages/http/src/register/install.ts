import { subscribe } from "node:diagnostics_channel";
import { writeSync } from "node:fs";
import type { SessionOptions } from "../call/options.ts";
import { joinHooks } from "../telemetry/hooks.ts";
import { engineOf } from "../session/session.ts";
import { toFetchSession } from "../session/create-fetch.ts";
import { dispatcher } from "../undici/dispatcher.ts";
import { isGlobalDispatcher, setGlobalDispatcher } from "../undici/global-dispatcher.ts";
import { patchHttp } from "./patch-http.ts";
import { readSettings } from "./settings.ts";
import { Summary } from "./summary.ts";

/**
 * Sends the requests of this process through one session: those of the platform's fetch, of undici, and of node:http. At the end of the
 * process, one line on stderr says what was retried, and which requests were out of reach.
 *
 * @throws Error for a wrong setting, with its name.
 */
export function install(environment: NodeJS.ProcessEnv): void {
  const settings = readSettings(environment, process.cwd());
  if (settings === undefined) return;
  const summary = new Summary();
  const session = openSession(settings.options, settings.source, summary);
  const agent = dispatcher(session);
  setGlobalDispatcher(agent);
  patchHttp(engineOf(session), summary);
  // Published for each connection of undici's own clients. Only requests with another dispatcher use those.
  subscribe("undici:client:connected", (message) => summary.countOtherClient(message));
  if (!settings.report) return;
  process.once("exit", () => {
    if (!isGlobalDispatcher(agent)) summary.countReplacedDispatcher();
    const line = summary.line();
    if (line !== undefined) writeLine(line);
  });
}

function openSession(
  options: SessionOptions,
  source: string,
  summary: Summary,
): ReturnType<typeof toFetchSession> {
  try {
    const hooks = joinHooks({
      attempt: [(record) => summary.countAttempt(record)],
      retry: [(record) => summary.countRetry(record)],
      giveUp: [() => summary.countFailure()],
    });
    return toFetchSession({ ...options, hooks });
  } catch (error) {
    throw new Error(
      `holdfast/register: ${source}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

function writeLine(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // The reader of stderr has gone.
  }
}
