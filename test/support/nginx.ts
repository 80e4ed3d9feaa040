import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Certificate } from "./certificates.ts";
import { startChild } from "./child.ts";
import { freePort } from "./ports.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface NginxOptions {
  /** The folder whose files it serves. */
  readonly root: string;
  /** Further lines for its `server` block. */
  readonly conf?: string;
  /** Further lines for its `http` block, such as zones. */
  readonly httpConf?: string;
  /** Lets requests wait so that no more than this many are answered in a second. @default none */
  readonly requestsPerSecond?: number;
  /** Speak TLS with this certificate. */
  readonly certificate?: Certificate;
}

/** One request as nginx saw it. */
export interface SeenRequest {
  /** Equal for all requests of one connection. */
  readonly connection: number;
  readonly status: number;
  readonly method: string;
  readonly target: string;
  /** The request's Range, empty without one. */
  readonly range: string;
  /** The address that it came from. */
  readonly address: string;
  /** Bytes of the body that were handed to the kernel, whether they arrived or not. */
  readonly bytes: number;
  /** Credentials that were meant for a proxy, empty without any. */
  readonly proxyAuthorization: string;
}

/** A running nginx; disposing of it ends it and removes its files. */
export interface Nginx extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Its origin, without a slash at the end. */
  readonly url: string;
  /** Every request that it has answered so far, in the order of their ends. */
  seen(): Promise<readonly SeenRequest[]>;
}

/** Starts an nginx of its own on a free loopback port: own configuration, pid file and logs, root or not. */
export async function nginx(options: NginxOptions): Promise<Nginx> {
  const directory = await temporaryDirectory("nginx");
  const port = await freePort();
  const at = (name: string): string => join(directory.path, name);
  await writeFile(at("nginx.conf"), configuration(options, port));
  try {
    const child = await startChild({
      command: "/usr/sbin/nginx",
      args: ["-p", directory.path, "-c", at("nginx.conf"), "-e", "stderr"],
      // The pid file is written when all ports are bound: who answers there is this nginx and no other program.
      ready: () => (existsSync(at("nginx.pid")) ? true : undefined),
    });
    const stop = async (): Promise<void> => {
      await child[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    };
    const scheme = options.certificate === undefined ? "http" : "https";
    const url = `${scheme}://127.0.0.1:${port}`;
    const seen = async (): Promise<readonly SeenRequest[]> =>
      parseLog(await readFile(at("access.log"), "utf8"));
    return { pid: child.pid, port, url, seen, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await directory[Symbol.asyncDispose]();
    throw error;
  }
}

function configuration(
  { root, conf = "", httpConf = "", requestsPerSecond, certificate }: NginxOptions,
  port: number,
): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paced = requestsPerSecond !== undefined;
  return `
daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}
pid nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  ${temporary.map((name) => `${name}_temp_path ${name};`).join(" ")}
  log_format seen '$connection $status $request_method "$request_uri" "$http_range" $remote_addr $body_bytes_sent "$http_proxy_authorization"';
  access_log access.log seen;
  types { text/html html; text/plain txt; text/css css; application/javascript js; image/png png; }
  default_type application/octet-stream;
  keepalive_requests 100000;
  ${httpConf}
  ${paced ? `limit_req_zone $server_port zone=pace:64k rate=${requestsPerSecond}r/s;` : ""}
  server {
    ${paced ? "limit_req zone=pace burst=1000;" : ""}
    listen 127.0.0.1:${port}${certificate === undefined ? "" : " ssl"};
    ${certificate === undefined ? "" : `ssl_certificate ${certificate.certFile}; ssl_certificate_key ${certificate.keyFile};`}
    root ${root};
    ${conf}
  }
}
`;
}

function parseLog(log: string): readonly SeenRequest[] {
  return [...log.matchAll(/^(\d+) (\d+) (\S+) "(.*)" "(.*)" (\S+) (\d+) "(.*)"$/gm)].map((match) => ({
    connection: Number(match[1]),
    status: Number(match[2]),
    method: match[3] ?? "",
    target: match[4] ?? "",
    range: match[5] === "-" ? "" : (match[5] ?? ""),
    address: match[6] ?? "",
    bytes: Number(match[7]),
    proxyAuthorization: match[8] === "-" ? "" : (match[8] ?? ""),
  }));
}
