/** What stands before a request's body, as it was sent. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: "1.0" | "1.1" | "2";
  readonly headerLines: readonly (readonly [name: string, value: string])[];
}

/** What the bytes so far amount to; `length` is how many of them the head took. */
export type HeadParse =
  | { readonly at: "partial" }
  | { readonly at: "whole"; readonly head: RequestHead; readonly length: number }
  | { readonly at: "bad"; readonly reason: string };

const maxHeadBytes = 262_144;

/** Reads an HTTP/1 request head from the front of the bytes (RFC 9112 §2.2: empty lines before it are ignored). */
export function parseHead(bytes: Buffer): HeadParse {
  let start = 0;
  while (bytes[start] === 13 && bytes[start + 1] === 10) start += 2;
  const end = bytes.indexOf("\r\n\r\n", start, "latin1");
  if (end < 0) return startsWrong(bytes, start);
  const [first = "", ...lines] = bytes.toString("latin1", start, end).split("\r\n");
  const request = /^(\S+) (\S+) HTTP\/(1\.[01])$/.exec(first);
  if (!request) return { at: "bad", reason: `Not a request line: ${first.slice(0, 80)}` };
  const [, method = "", target = "", version] = request;
  const bad = lines.find((line) => line.indexOf(":") < 1);
  if (bad !== undefined) return { at: "bad", reason: `Not a header line: ${bad.slice(0, 80)}` };
  const head = {
    method,
    target,
    httpVersion: version === "1.0" ? "1.0" : "1.1",
    headerLines: lines.map(nameAndValue),
  } as const;
  return { at: "whole", head, length: end + 4 };
}

/** A request's path: without query, and without scheme and host when a proxy is asked; CONNECT's target is its path. */
export function pathOf(target: string): string {
  const path = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/i.exec(target)?.[1] ?? target;
  return path.split("?", 1)[0] || "/";
}

/** The header fields by lower-cased name, repeated ones joined with a comma (RFC 9110 §5.3). */
export function headersByName(lines: RequestHead["headerLines"]): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  for (const [name, value] of lines) {
    const key = name.toLowerCase();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(headers);
}

/** No HTTP/1 request begins with a control byte, but a TLS ClientHello does. */
function startsWrong(bytes: Buffer, start: number): HeadParse {
  const first = bytes[start];
  if (first !== undefined && first !== 13 && (first < 33 || first > 126))
    return { at: "bad", reason: "Not HTTP" };
  return bytes.length > maxHeadBytes
    ? { at: "bad", reason: "The request head is too long" }
    : { at: "partial" };
}

function nameAndValue(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
