// The ends of the names that secrets go by: `client_secret`, `accessToken`, `X-Amz-Signature`, but not `monkey`.
const secretName =
  /(?:(?<![a-z\d])|(?<=%[\da-f]{2}))(?:(?:(?:shared)?access|refresh|id|auth|api|session|client|secret|private|csrf|xsrf)?[_-]?(?:token|key|secret|password|passwd|passphrase|pwd|signature|credentials?)|auth|jwt|pass|sig|sid|(?:j|php)?sess(?:ion)?[_-]?(?:id)?|(?:aws)?accesskeyid)/
    .source;

// The same as the name of a whole header, and what only means a secret there.
const secretHeader = new RegExp(
  String.raw`${secretName}(?![a-z])|(?<![a-z\d])(?:auth(?:entication|orization)|cookie2?|dpop)(?![a-z])`,
);

// The same as the name of a whole parameter, and what only means a secret there: OAuth's code, CloudFront's policy.
const secretParameter = new RegExp(
  String.raw`${secretName}[\d_]*$|^(?:bearer|st|code|code[_-]verifier|(?:client[_-])?assertion|policy|hmac|otp|pin|ticket|se[_-]pw)$`,
);

// A parameter's name behind ?, &, ; or #, which are escaped where the URL is a parameter of another.
const parameter = /(?<=[?&;#]|%3f|%26|%23)((?:(?!%3d|%3f|%26|%23)[^\s?&;#="'])+)(=|%3d)/gi;
const secretMark = "\u0000";
// oxlint-disable-next-line no-control-regex
const markedValue = /\u0000[^\s&#"']*/g;

const rules: readonly (readonly [RegExp, string])[] = [
  // RFC 3986, 3.2.1: user information in a URL, and in one that is a parameter of another.
  [/(\/\/)[^\s/?#@]*(?:@[^\s/?#@]*)*@/g, "$1***@"],
  [/(%3a%2f%2f)(?:(?!%2f|%3f|%23)[^\s&#])*?%40/gi, "$1***%40"],
  // RFC 9110, 11.6.2: credentials after a scheme's name.
  [/\b(Basic|Bearer|Digest|DPoP|Negotiate)\s+(?=\S*[\d=])[\w\-.~+/=]{6,}/gi, "$1 ***"],
  [
    /\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token|dpop)(["']?\s*[:=]\s*)[^\r\n]*/gi,
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
  return hideParameters(hidden).replace(unprintable, " ");
}

/** Whether what a header of this name says is to be hidden: it carries credentials, or looks as if it did. */
export function isSecretHeader(name: string): boolean {
  const lower = name.toLowerCase();
  // What keeps requests apart opens nothing.
  return !lower.includes("idempotency") && secretHeader.test(lower);
}

/** A value may hold parameters of its own: so the names are marked first, in one pass. */
function hideParameters(text: string): string {
  return text
    .replaceAll(secretMark, " ")
    .replace(parameter, (whole, name: string) => (isSecretParameter(name) ? whole + secretMark : whole))
    .replace(markedValue, "***");
}

/** `user[password]` and `%74oken[]` are secrets by one of their parts. */
function isSecretParameter(name: string): boolean {
  return decodeParameterName(name)
    .toLowerCase()
    .split(/[^\w-]+/)
    .some((part) => secretParameter.test(part));
}

function decodeParameterName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
