import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SessionOptions } from "../call/options.ts";
import { isObject } from "../support/validate.ts";

/** The settings of `holdfast/register`. */
export interface Settings {
  readonly options: SessionOptions;
  /** Where the options come from, for messages. */
  readonly source: string;
  /** Whether to write a line at the end of the process. */
  readonly report: boolean;
}

/** The option that a variable of the environment sets, and how its text is read. */
const variables: Readonly<
  Record<string, readonly [option: keyof SessionOptions, read: (text: string) => unknown]>
> = {
  HOLDFAST_RETRY: ["retry", toNumberOrFlag],
  HOLDFAST_TIMEOUT: ["timeout", toNumberOrText],
  HOLDFAST_PROXY: ["proxy", (text) => text],
  HOLDFAST_MAX_CONNECTIONS: ["maxConnections", toNumberOrText],
  HOLDFAST_PACING: ["pacing", toNumberOrFlag],
  HOLDFAST_HTTP2: ["http2", toNumberOrFlag],
};

const fileName = "holdfast.config.json";

/** Settings of this module that are no options of a session. */
const ownVariables: ReadonlySet<string> = new Set(["HOLDFAST_CONFIG", "HOLDFAST_REPORT", "HOLDFAST_DEBUG"]);

/**
 * Reads the settings from variables named `HOLDFAST_*` over those of `holdfast.config.json` in the folder, or of the file that
 * `HOLDFAST_CONFIG` names. Returns undefined for `HOLDFAST=off`.
 *
 * @throws Error for an unknown variable, and for a file that is missing or not a JSON object.
 */
export function readSettings(environment: NodeJS.ProcessEnv, folder: string): Settings | undefined {
  if (isOff(environment["HOLDFAST"])) return undefined;
  const given = Object.entries(environment).filter(([name]) => name.startsWith("HOLDFAST_"));
  const path = environment["HOLDFAST_CONFIG"] ?? join(folder, fileName);
  const isNamed = environment["HOLDFAST_CONFIG"] !== undefined;
  const file = isNamed || existsSync(path) ? readFile(path) : undefined;
  return {
    options: { ...file, ...readVariables(given) },
    source: [...(file === undefined ? [] : [path]), ...given.map(([name]) => name)].join(", "),
    report: !isOff(environment["HOLDFAST_REPORT"]),
  };
}

function readVariables(
  given: readonly (readonly [name: string, text: string | undefined])[],
): SessionOptions {
  const options: Record<string, unknown> = {};
  for (const [name, text = ""] of given) {
    if (ownVariables.has(name)) continue;
    const [option, read] = (Object.hasOwn(variables, name) ? variables[name] : undefined) ?? [];
    if (option === undefined || read === undefined) throw unknownVariable(name);
    options[option] = read(text);
  }
  return options;
}

function unknownVariable(name: string): Error {
  const names = [...Object.keys(variables), ...ownVariables].join(", ");
  return new Error(`holdfast/register: ${name} is not a setting. Use one of ${names}`);
}

function isOff(text: string | undefined): boolean {
  return text !== undefined && ["off", "0", "false", "no"].includes(text.toLowerCase());
}

function toNumberOrText(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function toNumberOrFlag(text: string): unknown {
  if (text === "true" || text === "on") return true;
  return isOff(text) && text !== "0" ? false : toNumberOrText(text);
}

function readFile(path: string): SessionOptions {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `holdfast/register: ${path} must be a file with a JSON object of session options: ${reason}`,
      {
        cause,
      },
    );
  }
  if (isObject(value) && !Array.isArray(value)) return value;
  throw new Error(
    `holdfast/register: ${path} must be a JSON object of session options, such as { "retry": 5, "timeout": "30s" }`,
  );
}
