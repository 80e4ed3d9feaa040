// Names of secrets, matched at their end: `client_secret`, `accessToken`, `X-Amz-Signature`, but not `monkey`.
const secretName =
  /(?:(?<![a-z\d])|(?<=%[\da-f]{2}))(?:(?:(?:shared)?access|refresh|id|auth|api|session|client|secret|private|csrf|xsrf)?[_-]?(?:token|key|secret|password|passwd|passphrase|pwd|signature|credentials?)|auth|jwt|pass|sig|sid|(?:j|php)?sess(?:ion)?[_-]?(?:id)?|(?:aws)?accesskeyid)/
    .source;

// The same, as the name of a whole header, and names that are secrets only there.
const secretHeader = new RegExp(
  String.raw`${secretName}(?![a-z])|(?<![a-z\d])(?:auth(?:entication|orization)|bearer|cookie2?|dpop|mfa|pin|t?otp)(?![a-z])|(?:token|api-?key|passcode|password|secret|-sign)$`,
);

// The same, as the name of a whole parameter, and names that are secrets only there: OAuth's code, CloudFront's policy.
const secretParameter = new RegExp(
  String.raw`${secretName}[\d_]*$|^(?:bearer|st|code|code[_-]verifier|(?:client[_-])?assertion|policy|hmac|otp|pin|ticket|se[_-]pw)$`,
);

// The name of a parameter after ?, &, ; or #. These are escaped if the URL is itself a parameter of another URL.
const parameter = /(?<=[?&;#]|%3f|%26|%23)((?:(?!%3d|%3f|%26|%23)[^\s?&;#="'])+)(=|%3d)/gi;
const secretMark = "\u0000";
// oxlint-disable-next-line no-control-regex
const markedValue = /\u0000[^\s&#"']*/g;

const rules: readonly (readonly [RegExp, string])[] = [
  // RFC 3986, 3.2.1: user information in a URL, also in a URL that is a parameter of another one.
  [/(\/\/)[^\s/?#@]*(?:@[^\s/?#@]*)*@/g, "$1***@"],
  [/(%3a%2f%2f)(?:(?!%2f|%3f|%23)[^\s&#])*?%40/gi, "$1***%40"],
  // RFC 9110, 11.6.2: credentials after the name of a scheme.
  [/\b(Basic|Bearer|Digest|DPoP|Negotiate)\s+(?=\S*[\d=])[\w\-.~+/=]{6,}/gi, "$1 ***"],
  [
    /\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token|dpop)(["']?\s*[:=]\s*)[^\r\n]*/gi,
    "$1$2***",
  ],
  // A header with such a name, except Idempotency-Key, which grants no access.
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

// C0 and C1 control characters, and the separators at which some viewers break lines.
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** Prepares a string for a log line: puts it on one line, and replaces text that looks like credentials by `***`. */
export function redact(text: string): string {
  const hidden = rules.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
  return hideParameters(hidden).replace(unprintable, " ");
}

/**
 * Returns whether the value of the header must be hidden, because its name is that of a credential or looks like one. Logs hide
 * these headers, and they do not follow a redirect to another origin.
 */
export function isSecretHeader(name: string): boolean {
  const lower = name.toLowerCase();
  // An idempotency key grants no access.
  return !lower.includes("idempotency") && secretHeader.test(lower);
}

/** Marks the names of secret parameters in one pass first, because a value may contain parameters itself. */
function hideParameters(text: string): string {
  return text
    .replaceAll(secretMark, " ")
    .replace(parameter, (whole, name: string) => (isSecretParameter(name) ? whole + secretMark : whole))
    .replace(markedValue, "***");
}

/** Returns whether a query parameter has the name of a secret: `api_key`, `user[password]`, `%74oken[]`. */
export function isSecretParameter(name: string): boolean {
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
