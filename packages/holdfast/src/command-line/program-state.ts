import { resolve } from "node:path";
import { type HeaderSource, isHeaderSource } from "./header-sources.ts";
import type { OptionSpecs } from "./parse-options.ts";

/** Where the lines of a run came from when it was last started with lines. */
export type SourceKind = "file" | "stdin" | "urls";

/** What the folder of a run keeps for the next command. It has no secrets. */
export interface ProgramState {
  /** Options by their long names, as texts of a command line. */
  readonly options: Readonly<Record<string, string | boolean | readonly string[]>>;
  readonly headers: readonly HeaderSource[];
  /** Whether the run used proxies that were given by their addresses, which are not stored. */
  readonly hasUnstoredProxies: boolean;
  readonly source: SourceKind;
}

/** Reads the state as the ledger returns it; undefined if it is missing. */
export function readProgramState(value: unknown): ProgramState | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { options, headers, hasUnstoredProxies, source } = value as Partial<
    Record<keyof ProgramState, unknown>
  >;
  return {
    options: isOptions(options) ? options : {},
    headers: Array.isArray(headers) ? headers.filter(isHeaderSource) : [],
    hasUnstoredProxies: hasUnstoredProxies === true,
    source: source === "stdin" || source === "urls" ? source : "file",
  };
}

function isOptions(value: unknown): value is ProgramState["options"] {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every(
      (each) => ["string", "boolean"].includes(typeof each) || (Array.isArray(each) && each.every(isText)),
    )
  );
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Options that are kept as the absolute path of a file. */
const paths: ReadonlySet<string> = new Set(["proxies", "netrc-file"]);

/** Returns the options to keep: those that do not belong to one command alone. */
export function selectRemembered(
  values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>,
  specs: OptionSpecs,
): ProgramState["options"] {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      if (value === undefined || specs[name]?.remember === false) return [];
      return [[name, paths.has(name) && typeof value === "string" ? resolve(value) : value]];
    }),
  );
}

/** Returns the remembered options as words of a command line, without those that the command line replaces. */
export function toRememberedWords(
  { options }: Pick<ProgramState, "options">,
  isReplaced: (name: string) => boolean = () => false,
): readonly string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (isReplaced(name)) return [];
    if (typeof value === "boolean") return [value ? `--${name}` : `--no-${name}`];
    return (typeof value === "string" ? [value] : value).map((text) => `--${name}=${text}`);
  });
}
