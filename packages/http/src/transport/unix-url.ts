import { InvalidUrlError } from "../errors/transport-errors.ts";
import { percentDecode } from "./proxy-url.ts";

/** A `unix:` URL: the path of a socket, and the URL that the request to it has. */
export interface UnixUrl {
  readonly socketPath: string;
  readonly url: string;
}

// The host that a request to a socket names, because HTTP requires one (RFC 9112 §3.2).
export const socketHost = "localhost";

const parts = /^unix:(?:\/\/)?(\/[^:?#]+)(?::(\/.*)?)?$/is;

/**
 * Parses a URL such as `unix:/var/run/docker.sock:/v1.43/containers?all=1`. A colon in the path of the socket is written as
 * `%3A`. Returns undefined for a URL of another scheme.
 *
 * @throws InvalidUrlError for a `unix:` URL without an absolute path of a socket.
 */
export function parseUnixUrl(input: unknown): UnixUrl | undefined {
  const text = input instanceof URL ? input.href : input;
  if (typeof text !== "string" || !/^\s*unix:/i.test(text)) return undefined;
  const [, path, target = "/"] = parts.exec(text.trim()) ?? [];
  if (path === undefined)
    throw new InvalidUrlError(
      `url must have the form unix:/path/of/socket:/path/of/request, got ${JSON.stringify(text)}`,
    );
  return { socketPath: percentDecode(path).toString(), url: `http://${socketHost}${target}` };
}
