import { printable } from "../process/printable.ts";

const flags: readonly (readonly [RegExp, string])[] = [
  [/\bmaxBytes\b/g, "--max-bytes"],
  [/\btimeout\.connect\b/g, "--connect-timeout"],
  [/\btimeout\.read\b/g, "--read-timeout"],
  [/\btimeout\.total\b/g, "--timeout"],
];

/** Writes the advice of a verdict for a terminal, with the program's flags in place of the session's options. */
export function formatAdvice(advice: string): string {
  const text = flags.reduce((result, [option, flag]) => result.replaceAll(option, flag), advice);
  return printable(text, 500);
}
