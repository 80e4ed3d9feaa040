import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { startChild } from "./child.ts";
import { freePorts, waitForPort } from "./ports.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The user of a proxy. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** One proxy of a squid. */
export interface SquidPort {
  /** Outgoing address. @default any */
  readonly outgoing?: string;
  /** Required credentials. @default none */
  readonly credentials?: Credentials;
  /** Hosts that the proxy refuses. */
  readonly forbidden?: string;
}

/** A running squid, with a proxy on each port. Disposing of it stops it and removes its files. */
export interface Squid extends AsyncDisposable {
  readonly pid: number;
  /** The URL of each proxy, with its credentials, in the order of the argument. */
  readonly urls: readonly string[];
  /** Returns every request so far: the port of the proxy, the status of the response and the request line. */
  served(): Promise<readonly { readonly port: number; readonly status: number; readonly request: string }[]>;
}

/** Starts one squid for many proxies. It caches nothing and stops quickly. */
export async function squid(proxies: readonly SquidPort[]): Promise<Squid> {
  const directory = await temporaryDirectory("squid");
  // If root starts squid, it runs as another user, and that user must be able to write here.
  await chmod(directory.path, 0o777);
  const ports = await freePorts(proxies.length);
  const at = (name: string): string => join(directory.path, name);
  await writeFile(at("passwd"), (await Promise.all(proxies.map(passwordLine))).join(""));
  await writeFile(at("squid.conf"), configuration(proxies, ports, directory.path));
  try {
    const child = await startChild({
      command: "/usr/sbin/squid",
      args: ["-N", "-f", at("squid.conf"), "-d", "1"],
      ready: (log) => (log.includes("Accepting HTTP Socket connections") ? true : undefined),
    });
    await Promise.all(ports.map((port) => waitForPort(port, 10_000)));
    return {
      pid: child.pid,
      urls: proxies.map(
        ({ credentials }, index) => `http://${userinfo(credentials)}127.0.0.1:${ports[index]}`,
      ),
      served: async () => parseLog(await readFile(at("access.log"), "utf8")),
      [Symbol.asyncDispose]: async () => {
        await child[Symbol.asyncDispose]();
        await directory[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await directory[Symbol.asyncDispose]();
    throw error;
  }
}

/** Returns the user and password part of a URL, including the `@`. */
export function userinfo(credentials: Credentials | undefined): string {
  if (credentials === undefined) return "";
  return `${encodeURIComponent(credentials.user)}:${encodeURIComponent(credentials.password)}@`;
}

async function passwordLine({ credentials }: SquidPort): Promise<string> {
  if (credentials === undefined) return "";
  const { stdout } = await promisify(execFile)("openssl", ["passwd", "-1", credentials.password]);
  return `${credentials.user}:${stdout.trim()}\n`;
}

function configuration(proxies: readonly SquidPort[], ports: readonly number[], path: string): string {
  return `
auth_param basic program /usr/lib/squid/basic_ncsa_auth ${path}/passwd
auth_param basic children 1 startup=1
auth_param basic realm holdfast
${proxies.map((proxy, index) => portLines(proxy, index, ports[index] ?? 0)).join("\n")}
http_access allow all
cache deny all
cache_mem 8 MB
logformat seen %lp %>Hs %rm %ru
access_log stdio:${path}/access.log seen
cache_log stdio:/dev/stderr
cache_store_log none
pid_filename ${path}/squid.pid
coredump_dir ${path}
visible_hostname localhost
pinger_enable off
shutdown_lifetime 0 seconds
connect_timeout 2 seconds
max_filedescriptors 4096
`;
}

function portLines({ outgoing, credentials, forbidden }: SquidPort, index: number, port: number): string {
  const name = `p${index}`;
  return [
    `http_port 127.0.0.1:${port} name=${name}`,
    `acl ${name} myportname ${name}`,
    ...(outgoing === undefined ? [] : [`tcp_outgoing_address ${outgoing} ${name}`]),
    ...(forbidden === undefined
      ? []
      : [`acl no${name} dstdomain ${forbidden}`, `http_access deny ${name} no${name}`]),
    ...(credentials === undefined
      ? []
      : [`acl user${name} proxy_auth ${credentials.user}`, `http_access deny ${name} !user${name}`]),
  ].join("\n");
}

function parseLog(log: string): Awaited<ReturnType<Squid["served"]>> {
  return [...log.matchAll(/^(\d+) (\d+) (.*)$/gm)].map(([, port, status, request = ""]) => ({
    port: Number(port),
    status: Number(status),
    request,
  }));
}
