/** The request line and headers, as sent. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: "1.0" | "1.1" | "2";
  readonly headerLines: readonly (readonly [name: string, value: string])[];
}

/** The result of parsing the bytes so far. `length` is the size of the head in bytes. */
export type HeadParse =
  | { readonly at: "partial" }
  | { readonly at: "whole"; readonly head: RequestHead; readonly length: number }
  | { readonly at: "bad"; readonly reason: string };

const maxHeadBytes = 262_144;

/** Parses an HTTP/1 request head at the start of the bytes. Empty lines before it are ignored (RFC 9112 §2.2). */
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

/** Returns the path of a request target, without query, scheme and host. The target of a CONNECT is its path. */
export function parsePath(target: string): string {
  const path = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/i.exec(target)?.[1] ?? target;
  return path.split("?", 1)[0] || "/";
}

/** Returns the header fields by lower-case name, repeated fields joined with a comma (RFC 9110 §5.3). */
export function headersByName(lines: RequestHead["headerLines"]): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  for (const [name, value] of lines) {
    const key = name.toLowerCase();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(headers);
}

/** Detects other protocols: an HTTP/1 request never begins with a control byte, but a TLS ClientHello does. */
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
