import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Certificate } from "./certificates.ts";
import { startChild, type Child } from "./child.ts";
import { getPort } from "./loopback-server.ts";
import { nginx } from "./nginx.ts";
import { freePorts, waitForPort } from "./ports.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** What a web server serves. */
export interface WebServerOptions {
  /** The folder to serve. */
  readonly root: string;
  readonly certificate: Certificate;
}

/** A running web server. It returns the body of a POST to /echo. Disposing of it stops it. */
export interface WebServer extends AsyncDisposable {
  /** Port for HTTP/1.1 without TLS, if the server has one. */
  readonly plain: number | undefined;
  /** Port for TLS, if the server has one. */
  readonly secure: number | undefined;
}

/** A web server that a test can start. */
export interface WebServerProgram {
  readonly name: string;
  /** Exists if the server is installed. */
  readonly file: string;
  readonly protocols: readonly ("http/1.1" | "https/1.1" | "h2")[];
  /** Whether the server supports the Range header. */
  readonly ranges: boolean;
  start(options: WebServerOptions): Promise<WebServer>;
}

const allProtocols = ["http/1.1", "https/1.1", "h2"] as const;

/** Web servers of Debian, each with its usual features: compression, a proxied path, HTTP/2 over TLS. */
export const webServers: readonly WebServerProgram[] = [
  { name: "nginx", file: "/usr/sbin/nginx", protocols: allProtocols, ranges: true, start: startNginx },
  { name: "Apache", file: "/usr/sbin/apache2", protocols: allProtocols, ranges: true, start: startApache },
  {
    name: "lighttpd",
    file: "/usr/sbin/lighttpd",
    protocols: allProtocols,
    ranges: true,
    start: startLighttpd,
  },
  { name: "HAProxy", file: "/usr/sbin/haproxy", protocols: allProtocols, ranges: true, start: startHaproxy },
  { name: "Caddy", file: "/usr/bin/caddy", protocols: allProtocols, ranges: true, start: startCaddy },
  { name: "Varnish", file: "/usr/sbin/varnishd", protocols: ["http/1.1"], ranges: true, start: startVarnish },
  { name: "nghttpd", file: "/usr/sbin/nghttpd", protocols: ["h2"], ranges: false, start: startNghttpd },
];

/** Whether a server is installed. */
export function isInstalled({ file }: WebServerProgram): boolean {
  return existsSync(file);
}

/** An origin that returns the body of each request. */
interface EchoOrigin extends AsyncDisposable {
  readonly port: number;
}

async function echoOrigin(): Promise<EchoOrigin> {
  const server = createServer((request, response) => void request.pipe(response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { port: getPort(server), [Symbol.asyncDispose]: stop };
}

interface Command {
  readonly command: string;
  readonly args: (directory: string) => readonly string[];
  /** The configuration, which is written to `conf` in the directory. */
  readonly conf?: (directory: string) => string;
  readonly ports: { readonly plain: number | undefined; readonly secure: number | undefined };
}

/** Starts a server in a temporary directory. The server owns `below`. */
async function startServer(
  { command, args, conf, ports }: Command,
  below: readonly AsyncDisposable[] = [],
): Promise<WebServer> {
  await using started = new AsyncDisposableStack();
  for (const resource of below) started.use(resource);
  const directory = started.use(await temporaryDirectory("web-server"));
  // If root starts a server, the server serves as another user.
  await chmod(directory.path, 0o777);
  if (conf !== undefined) await writeFile(join(directory.path, "conf"), conf(directory.path));
  const env = { ...process.env, HOME: directory.path, XDG_DATA_HOME: directory.path };
  const child = started.use(
    await startChild({ command, args: args(directory.path), env, ready: () => true }),
  );
  await waitForPorts(child, [ports.plain, ports.secure]);
  const owned = started.move();
  return { ...ports, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function waitForPorts(child: Child<unknown>, ports: readonly (number | undefined)[]): Promise<void> {
  try {
    for (const port of ports) if (port !== undefined) await waitForPort(port, 20_000);
  } catch (error) {
    throw new Error(`The server did not start:\n${child.log()}`, { cause: error });
  }
}

async function twoPorts(): Promise<{ readonly plain: number; readonly secure: number }> {
  const [plain = 0, secure = 0] = await freePorts(2);
  return { plain, secure };
}

async function startNginx({ root, certificate }: WebServerOptions): Promise<WebServer> {
  const echo = await echoOrigin();
  const [secure = 0] = await freePorts(1);
  const server = await nginx({
    root,
    conf: `
      listen 127.0.0.1:${secure} ssl http2;
      ssl_certificate ${certificate.certFile};
      ssl_certificate_key ${certificate.keyFile};
      keepalive_requests 10;
      gzip on;
      location /echo { proxy_pass http://127.0.0.1:${echo.port}; }`,
  });
  const stop = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    await echo[Symbol.asyncDispose]();
  };
  return { plain: server.port, secure, [Symbol.asyncDispose]: stop };
}

async function startApache({ root, certificate }: WebServerOptions): Promise<WebServer> {
  const [echo, ports] = [await echoOrigin(), await twoPorts()];
  const available = [
    "mpm_event",
    "authz_core",
    "mime",
    "filter",
    "deflate",
    "http2",
    "ssl",
    "proxy",
    "proxy_http",
  ];
  const module = (name: string): string =>
    `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`;
  const conf = (directory: string): string => `
${available.map(module).join("\n")}
ServerRoot ${directory}
ServerName localhost
PidFile pid
DefaultRuntimeDir ${directory}
ErrorLog error.log
${process.getuid?.() === 0 ? "User www-data\nGroup www-data" : ""}
TypesConfig /etc/mime.types
Listen 127.0.0.1:${ports.plain}
Listen 127.0.0.1:${ports.secure}
DocumentRoot ${root}
<Directory ${root}>
  Require all granted
</Directory>
AddOutputFilterByType DEFLATE text/html text/plain
ProxyPass /echo http://127.0.0.1:${echo.port}/
<VirtualHost 127.0.0.1:${ports.secure}>
  Protocols h2 http/1.1
  SSLEngine on
  SSLCertificateFile ${certificate.certFile}
  SSLCertificateKeyFile ${certificate.keyFile}
</VirtualHost>
`;
  const args = (directory: string): readonly string[] => ["-DFOREGROUND", "-f", join(directory, "conf")];
  return startServer({ command: "/usr/sbin/apache2", args, conf, ports }, [echo]);
}

async function startLighttpd({ root, certificate }: WebServerOptions): Promise<WebServer> {
  const [echo, ports] = [await echoOrigin(), await twoPorts()];
  const conf = (): string => `
server.modules = ("mod_openssl", "mod_deflate", "mod_proxy")
server.document-root = "${root}"
server.bind = "127.0.0.1"
server.port = ${ports.plain}
mimetype.assign = (".html" => "text/html", ".txt" => "text/plain", "" => "application/octet-stream")
deflate.mimetypes = ("text/")
deflate.allowed-encodings = ("gzip")
$SERVER["socket"] == "127.0.0.1:${ports.secure}" {
  ssl.engine = "enable"
  ssl.pemfile = "${certificate.certFile}"
  ssl.privkey = "${certificate.keyFile}"
}
$HTTP["url"] =~ "^/echo" {
  proxy.server = ("" => (("host" => "127.0.0.1", "port" => ${echo.port})))
}
`;
  const args = (directory: string): readonly string[] => ["-D", "-f", join(directory, "conf")];
  return startServer({ command: "/usr/sbin/lighttpd", args, conf, ports }, [echo]);
}

async function startHaproxy(options: WebServerOptions): Promise<WebServer> {
  const [origin, ports] = [await startNginx(options), await twoPorts()];
  const pem = options.certificate.cert + options.certificate.key;
  const conf = (directory: string): string => `
defaults
  mode http
  timeout connect 10s
  timeout client 30s
  timeout server 30s
  compression algo gzip
  compression type text/html text/plain
frontend site
  bind 127.0.0.1:${ports.plain}
  bind 127.0.0.1:${ports.secure} ssl crt ${directory}/pem alpn h2,http/1.1
  default_backend origin
backend origin
  server origin 127.0.0.1:${origin.plain}
`;
  await using files = new AsyncDisposableStack();
  files.use(origin);
  const directory = files.use(await temporaryDirectory("haproxy-pem"));
  await writeFile(join(directory.path, "pem"), pem);
  const args = (folder: string): readonly string[] => ["-db", "-f", join(folder, "conf")];
  const below = files.move();
  return startServer({ command: "/usr/sbin/haproxy", args, conf: () => conf(directory.path), ports }, [
    below,
  ]);
}

async function startCaddy({ root, certificate }: WebServerOptions): Promise<WebServer> {
  const [echo, ports] = [await echoOrigin(), await twoPorts()];
  const site = `
  bind 127.0.0.1
  root * ${root}
  encode gzip
  reverse_proxy /echo 127.0.0.1:${echo.port}
  file_server`;
  const conf = (): string => `
{
  admin off
  auto_https off
}
http://127.0.0.1:${ports.plain} {${site}
}
https://127.0.0.1:${ports.secure} {${site}
  tls ${certificate.certFile} ${certificate.keyFile}
}
`;
  const args = (directory: string): readonly string[] => [
    "run",
    "--adapter",
    "caddyfile",
    "--config",
    join(directory, "conf"),
  ];
  return startServer({ command: "/usr/bin/caddy", args, conf, ports }, [echo]);
}

async function startVarnish(options: WebServerOptions): Promise<WebServer> {
  const [origin, [plain = 0]] = [await startNginx(options), await freePorts(1)];
  const conf = (): string => `
vcl 4.1;
backend origin { .host = "127.0.0.1"; .port = "${origin.plain}"; }
sub vcl_backend_response { if (beresp.http.content-type ~ "text") { set beresp.do_gzip = true; } }
`;
  const args = (directory: string): readonly string[] => [
    ..."-F -j none -T none -s malloc,16m -a".split(" "),
    `127.0.0.1:${plain}`,
    "-n",
    join(directory, "work"),
    "-f",
    join(directory, "conf"),
  ];
  return startServer({ command: "/usr/sbin/varnishd", args, conf, ports: { plain, secure: undefined } }, [
    origin,
  ]);
}

async function startNghttpd({ root, certificate }: WebServerOptions): Promise<WebServer> {
  const [secure = 0] = await freePorts(1);
  const args = (): readonly string[] => [
    "--address=127.0.0.1",
    "--echo-upload",
    `--htdocs=${root}`,
    String(secure),
    certificate.keyFile,
    certificate.certFile,
  ];
  return startServer({ command: "/usr/sbin/nghttpd", args, ports: { plain: undefined, secure } });
}
