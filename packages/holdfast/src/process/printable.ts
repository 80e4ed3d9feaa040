import { redact } from "@holdfast/policy";

// C0 without tab and line feed, DEL, C1, and the marks that reorder text (UAX #9, section 2).
const terminalControls = /(?![\t\n])[\p{Cc}\p{Bidi_Control}]/gu;

// For one line: all controls, invisible format characters, and the separators that break lines.
const lineControls = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/**
 * Makes a text of a peer safe for a terminal: escapes control characters, which could move the cursor, retitle the window or
 * reorder the text. Tab and line feed pass, and CR LF becomes LF. The escapes are those of JSON, so that JSON stays valid.
 */
export function escapeForTerminal(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(terminalControls, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Makes text from outside safe for one line of a message: hides credentials, keys and tokens, escapes control characters (a
 * list of URLs must not move the cursor), and removes the middle of a string longer than `maxLength`. `hide` replaces secrets.
 */
export function printable(text: string, maxLength = 120, hide: (text: string) => string = redact): string {
  const escaped = text.replace(
    lineControls,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ""}}`,
  );
  return shorten(hide(escaped), maxLength);
}

/** Hides the secrets of URLs in a message of the program's own, which may explain a header such as `X-Key: it has …`. */
export function redactUrls(text: string): string {
  // No scheme of a URL is longer, and a search for one of any length would begin again at each of its letters.
  return text.replace(/\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s"']+/gi, (url) => redact(url));
}

/** Hides the secrets of a text of several lines, and escapes its control characters. */
export function printableLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => escapeForTerminal(redact(line)))
    .join("\n");
}

/** Formats a value as JSON. Characters that control a terminal are escaped, which changes nothing for a JSON parser. */
export function toPrintableJson(value: unknown): string {
  return escapeForTerminal(JSON.stringify(value, null, 2));
}

/** Replaces the middle of a string longer than `maxLength` characters by `...`. */
export function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const mark = "...";
  const kept = Math.max(0, maxLength - mark.length);
  const tail = Math.floor(kept / 2);
  return `${text.slice(0, kept - tail)}${mark}${tail === 0 ? "" : text.slice(-tail)}`.slice(0, maxLength);
}
