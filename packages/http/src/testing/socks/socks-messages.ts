import type { ByteSource } from "../wire/byte-source.ts";

/** The target that a SOCKS client requested. */
export interface SocksRequest {
  readonly version: 4 | 5;
  /** Type of the host. A SOCKS4A host is a name. */
  readonly by: "ipv4" | "ipv6" | "name";
  /** The host. An IPv6 address has all eight groups. */
  readonly host: string;
  readonly port: number;
}

/** User and password of a client. */
export interface SocksCredentials {
  readonly user: string;
  readonly password: string;
}

/** Thrown when the client left before it sent the expected bytes. */
export class ClientGone extends Error {}

/** Reads `count` bytes. */
export async function take(source: ByteSource, count: number): Promise<Buffer> {
  while (source.pending.length < count) if (!(await source.more())) throw new ClientGone();
  return source.take(count);
}

/** Reads a length byte and that many bytes. */
async function takeCounted(source: ByteSource): Promise<Buffer> {
  return take(source, (await take(source, 1)).readUInt8());
}

/** Reads up to a zero byte and drops the zero. */
async function takeUntilZero(source: ByteSource): Promise<string> {
  const bytes: number[] = [];
  for (;;) {
    const byte = (await take(source, 1)).readUInt8();
    if (byte === 0) return Buffer.from(bytes).toString();
    bytes.push(byte);
  }
}

/** Reads the authentication methods of a client, after its version byte (RFC 1928 §3). */
export async function takeMethods(source: ByteSource): Promise<readonly number[]> {
  return [...(await takeCounted(source))];
}

/** Reads user and password (RFC 1929 §2). */
export async function takeCredentials(source: ByteSource): Promise<SocksCredentials> {
  await take(source, 1);
  const user = (await takeCounted(source)).toString();
  return { user, password: (await takeCounted(source)).toString() };
}

/** Reads a SOCKS5 request (RFC 1928 §4). */
export async function takeSocks5Request(source: ByteSource): Promise<SocksRequest> {
  const type = (await take(source, 4)).readUInt8(3);
  const named = await takeHost(source, type);
  return { version: 5, ...named, port: (await take(source, 2)).readUInt16BE() };
}

async function takeHost(source: ByteSource, type: number): Promise<Pick<SocksRequest, "by" | "host">> {
  if (type === 1) return { by: "ipv4", host: [...(await take(source, 4))].join(".") };
  if (type === 3) return { by: "name", host: (await takeCounted(source)).toString() };
  const groups = (await take(source, 16)).toString("hex").match(/.{4}/g) ?? [];
  return { by: "ipv6", host: groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":") };
}

/** Reads a SOCKS4 or SOCKS4A request with its user, after the version byte. */
export async function takeSocks4Request(
  source: ByteSource,
): Promise<SocksRequest & { readonly user: string }> {
  const head = await take(source, 7);
  const [port, address] = [head.readUInt16BE(1), [...head.subarray(3)]];
  const user = await takeUntilZero(source);
  const [a, b, c, d] = address;
  const named = a === 0 && b === 0 && c === 0 && d !== 0;
  return named
    ? { version: 4, by: "name", host: await takeUntilZero(source), port, user }
    : { version: 4, by: "ipv4", host: address.join("."), port, user };
}
