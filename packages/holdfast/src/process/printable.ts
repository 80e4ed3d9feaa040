/**
 * Makes text from outside safe for one line of a terminal: escapes control characters (a list of URLs must not move the
 * cursor), hides the credentials of URLs, and removes the middle of a string longer than `maxLength`.
 */
export function printable(text: string, maxLength = 120): string {
  return shorten(escapeControls(hideCredentials(text)), maxLength);
}

function hideCredentials(text: string): string {
  return text.replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi, "$1***@");
}

function escapeControls(text: string): string {
  // C0, DEL, C1, and the marks that reorder text or break lines.
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ""}}`,
  );
}

/** Replaces the middle of a string longer than `maxLength` characters by `...`. */
export function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const mark = "...";
  const kept = Math.max(0, maxLength - mark.length);
  const tail = Math.floor(kept / 2);
  return `${text.slice(0, kept - tail)}${mark}${tail === 0 ? "" : text.slice(-tail)}`.slice(0, maxLength);
}
