/**
 * Shortens a text that a server may have named, such as a URL, for messages and records: longer than `max` characters, its
 * middle is left out. The result is a copy, because a slice would keep the whole text in memory.
 */
export function shorten(text: string, max = 2_000): string {
  if (text.length <= max) return text;
  const note = `…(${text.length} characters)…`;
  const kept = Math.max(0, max - note.length);
  const end = Math.floor(kept / 4);
  const short = text.slice(0, kept - end) + note + text.slice(text.length - end);
  return short.split("").join("");
}
