const rules: readonly (readonly [RegExp, string])[] = [
  // RFC 3986, 3.2.1: user information in a URL.
  [/\b([a-z][a-z\d+.-]*:\/\/)[^\s/?#@]*(?:@[^\s/?#@]*)*@/gi, "$1***@"],
  // RFC 9110, 11.6.2: credentials after a scheme's name.
  [/\b(Basic|Bearer|Digest|Negotiate)\s+(?=\S*[\d=])[\w\-.~+/=]{6,}/gi, "$1 ***"],
  [
    /\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)(["']?\s*[:=]\s*)[^\r\n]*/gi,
    "$1$2***",
  ],
  [
    /\b((?:access|refresh|id|auth|api|session)?[_-]?(?:token|key|secret|password|passwd|pwd|signature)|sig)(=|["']\s*:\s*["']?)(?!\*\*\*)[^\s&"',;#)]+/gi,
    "$1$2***",
  ],
];

// C0 and C1 controls, and the separators that some viewers break lines at.
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** Makes a text fit for a log line: on one line, and without what looks like credentials. */
export function redact(text: string): string {
  const hidden = rules.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
  return hidden.replace(unprintable, " ");
}
