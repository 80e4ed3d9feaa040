// The ends of the names that secrets go by: `client_secret`, `accessToken`, `X-Amz-Signature`, but not `monkey`.
const secretName =
  /(?:(?<![a-z\d])|(?<=%[\da-f]{2}))(?:(?:access|refresh|id|auth|api|session|client|secret|private|csrf|xsrf)?[_-]?(?:token|key|secret|password|passwd|passphrase|pwd|signature|credentials?)|auth|jwt|pass|sig|sid|(?:j|php)?sess(?:ion)?[_-]?(?:id)?|(?:aws)?accesskeyid)/
    .source;

const rules: readonly (readonly [RegExp, string])[] = [
  // RFC 3986, 3.2.1: user information in a URL, and in one that is a parameter of another.
  [/(\/\/)[^\s/?#@]*(?:@[^\s/?#@]*)*@/g, "$1***@"],
  [/(%3a%2f%2f)(?:(?!%2f|%3f|%23)[^\s&#])*?%40/gi, "$1***%40"],
  // RFC 9110, 11.6.2: credentials after a scheme's name.
  [/\b(Basic|Bearer|Digest|Negotiate)\s+(?=\S*[\d=])[\w\-.~+/=]{6,}/gi, "$1 ***"],
  [
    /\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)(["']?\s*[:=]\s*)[^\r\n]*/gi,
    "$1$2***",
  ],
  // A header of this name, but the one that keeps requests apart and opens nothing.
  [
    /(?<![\w-])((?![\w-]*idempotency-)[\w-]*-(?:token|key|secret|signature|password))(\s*:\s*)[^\r\n]*/gi,
    "$1$2***",
  ],
  [new RegExp(`(${secretName})(=|%3D)(?!\\*\\*\\*)[^\\s&#"']+`, "gi"), "$1$2***"],
  [
    new RegExp(
      `(${secretName}["']\\s*:\\s*)(?:"(?:\\\\.|[^"\\\\])*"?|'(?:\\\\.|[^'\\\\])*'?|[^\\s,}]+)`,
      "gi",
    ),
    '$1"***"',
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
