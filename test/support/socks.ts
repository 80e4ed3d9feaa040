import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { freePort, waitForPort } from "./ports.ts";
import { userinfo, type Credentials } from "./squid.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A running SOCKS server. Disposing of it stops it. */
export interface SocksServer extends AsyncDisposable {
  readonly pid: number;
  /** Credentials, host and port, without the scheme. */
  readonly authority: string;
  /** Returns the log so far. */
  log(): string;
}

/** Starts Debian's microsocks, a SOCKS5 server. */
export async function microsocks({
  outgoing,
  credentials,
}: { readonly outgoing?: string; readonly credentials?: Credentials } = {}): Promise<SocksServer> {
  const port = await freePort();
  const child = await startChild({
    command: "/usr/bin/microsocks",
    args: [
      "-i",
      "127.0.0.1",
      "-p",
      String(port),
      ...(outgoing === undefined ? [] : ["-b", outgoing]),
      ...(credentials === undefined ? [] : ["-u", credentials.user, "-P", credentials.password]),
    ],
    ready: () => true,
  });
  await waitForPort(port, 10_000);
  return {
    pid: child.pid,
    authority: `${userinfo(credentials)}127.0.0.1:${port}`,
    log: () => child.log(),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** Starts Debian's dante, a SOCKS4 and SOCKS5 server without authentication. It refuses the target port `forbidden`. */
export async function dante({
  outgoing = "127.0.0.1",
  forbidden,
}: { readonly outgoing?: string; readonly forbidden?: number } = {}): Promise<SocksServer> {
  const directory = await temporaryDirectory("dante");
  const port = await freePort();
  const configuration = join(directory.path, "danted.conf");
  const everywhere = "from: 0.0.0.0/0 to: 0.0.0.0/0";
  await writeFile(
    configuration,
    `
logoutput: stderr
internal: 127.0.0.1 port = ${port}
external: ${outgoing}
clientmethod: none
socksmethod: none
client pass { ${everywhere} }
${forbidden === undefined ? "" : `socks block { ${everywhere} port = ${forbidden} log: error }`}
socks pass { ${everywhere} }
`,
  );
  const child = await startChild({
    command: "/usr/sbin/danted",
    args: ["-f", configuration, "-p", join(directory.path, "danted.pid"), "-N", "1"],
    ready: () => true,
  });
  await waitForPort(port, 10_000);
  return {
    pid: child.pid,
    authority: `127.0.0.1:${port}`,
    log: () => child.log(),
    [Symbol.asyncDispose]: async () => {
      await child[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
