/** The schemes that begin a second URL in a line. */
const secondUrl = /\s(?:https?):\/\//i;

/** Removes the space around a text, and a comment: `#` or `//` at the beginning or after a space, to the end. */
export function removeComment(text: string): string {
  return text.replace(/(?:^|\s)(?:#|\/\/).*$/s, "").trim();
}

/**
 * Returns why a text is not one URL because of its spaces. A space inside of a URL is allowed, and becomes `%20`. The URL
 * parser would silently remove a tab, and join two URLs.
 */
export function findSpaceProblem(text: string): string | undefined {
  if (secondUrl.test(text)) return "two URLs: write one a line";
  return /[^\S ]/.test(text)
    ? "a URL cannot contain a tab or another control character; write %09"
    : undefined;
}
