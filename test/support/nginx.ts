import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Certificate } from "./certificates.ts";
import { startChild } from "./child.ts";
import { freePort } from "./ports.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface NginxOptions {
  /** The folder to serve. */
  readonly root: string;
  /** More lines for the `server` block. */
  readonly conf?: string;
  /** More lines for the `http` block, such as zones. */
  readonly httpConf?: string;
  /** Delays requests so that at most this many are handled per second. @default no limit */
  readonly requestsPerSecond?: number;
  /** Uses TLS with this certificate. */
  readonly certificate?: Certificate;
  /** Offers HTTP/2 under TLS. @default false */
  readonly http2?: boolean;
}

/** One request in the log of nginx. */
export interface SeenRequest {
  /** Equal for all requests of one connection. */
  readonly connection: number;
  readonly status: number;
  readonly method: string;
  readonly target: string;
  /** The Range header, empty without one. */
  readonly range: string;
  /** The address of the client. */
  readonly address: string;
  /** Bytes of the body that nginx passed to the kernel. The client may have received fewer. */
  readonly bytes: number;
  /** The Proxy-Authorization header, empty without one. */
  readonly proxyAuthorization: string;
}

/** A running nginx. Disposing of it stops it and removes its files. */
export interface Nginx extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Its origin, without a slash at the end. */
  readonly url: string;
  /** Returns every request that nginx has handled so far, in the order in which they ended. */
  seen(): Promise<readonly SeenRequest[]>;
}

/** Starts an nginx on a free loopback port, with its own configuration, pid file and logs. Works with and without root. */
export async function nginx(options: NginxOptions): Promise<Nginx> {
  const directory = await temporaryDirectory("nginx");
  const port = await freePort();
  const at = (name: string): string => join(directory.path, name);
  await writeFile(at("nginx.conf"), configuration(options, port));
  try {
    const child = await startChild({
      command: "/usr/sbin/nginx",
      args: ["-p", directory.path, "-c", at("nginx.conf"), "-e", "stderr"],
      // nginx writes the pid file when all ports are bound, so only this nginx can listen there.
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
  { root, conf = "", httpConf = "", requestsPerSecond, certificate, http2 = false }: NginxOptions,
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
    listen 127.0.0.1:${port}${certificate === undefined ? "" : " ssl"}${http2 ? " http2" : ""};
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
