import { printable } from "../process/printable.ts";

// A name in a URL, as in `?maxBytes=1`, stays.
const optionNames: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w?&=/.-])maxBytes\b/g, "--max-bytes"],
  [/(?<![\w?&=/.-])maxMemory\b/g, "--max-memory"],
  [/(?<![\w?&=/.-])minSpeed\b/g, "--min-speed"],
  [/(?<![\w?&=/.-])allowAddresses\b/g, "--allow-address"],
  [/(?<![\w?&=/.-])proxyResolves: true\b/g, "--proxy-resolves"],
  [/(?<![\w?&=/.-])timeout\.connect\b/g, "--connect-timeout"],
  [/(?<![\w?&=/.-])timeout\.read\b/g, "--read-timeout"],
  [/(?<![\w?&=/.-])timeout\.total\b/g, "--timeout"],
];

/** Formats the advice of a verdict for a terminal, with the program's options in place of the library's. */
export function formatAdvice(advice: string): string {
  return printable(nameOptions(advice), 500);
}

/** Replaces the names of the library's options by those of the program. */
export function nameOptions(text: string): string {
  return optionNames.reduce((result, [name, option]) => result.replaceAll(name, option), text);
}
