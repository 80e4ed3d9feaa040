import { printable } from "../process/printable.ts";

const optionNames: readonly (readonly [RegExp, string])[] = [
  [/\bmaxBytes\b/g, "--max-bytes"],
  [/\bmaxMemory\b/g, "--max-memory"],
  [/\bminSpeed\b/g, "--min-speed"],
  [/\btimeout\.connect\b/g, "--connect-timeout"],
  [/\btimeout\.read\b/g, "--read-timeout"],
  [/\btimeout\.total\b/g, "--timeout"],
];

/** Formats the advice of a verdict for a terminal, with the program's options in place of the library's. */
export function formatAdvice(advice: string): string {
  const text = optionNames.reduce((result, [name, option]) => result.replaceAll(name, option), advice);
  return printable(text, 500);
}
