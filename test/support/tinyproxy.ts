import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startChild } from "./child.ts";
import { freePort, waitForPort } from "./ports.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A running tinyproxy that requires credentials. Disposing of it stops it. */
export interface Tinyproxy extends AsyncDisposable {
  readonly pid: number;
  /** URL with user and password. */
  readonly url: string;
  /** Returns the log so far. */
  log(): Promise<string>;
}

export interface TinyproxyOptions {
  /** The accepted user. */
  readonly user: string;
  readonly password: string;
  /** Outgoing address. @default any */
  readonly outgoing?: string;
}

/** Starts Debian's tinyproxy on loopback, for one user. */
export async function tinyproxy({ outgoing, ...credentials }: TinyproxyOptions): Promise<Tinyproxy> {
  const directory = await temporaryDirectory("tinyproxy");
  const port = await freePort();
  const logfile = join(directory.path, "log");
  const configuration = join(directory.path, "tinyproxy.conf");
  await writeFile(logfile, "");
  await writeFile(
    configuration,
    [
      `Port ${port}`,
      "Listen 127.0.0.1",
      "Allow 127.0.0.1",
      "Timeout 20",
      `LogFile "${logfile}"`,
      "LogLevel Connect",
      `BasicAuth ${credentials.user} ${credentials.password}`,
      ...(outgoing === undefined ? [] : [`Bind ${outgoing}`]),
    ].join("\n"),
  );
  const child = await startChild({
    command: "/usr/bin/tinyproxy",
    args: ["-d", "-c", configuration],
    ready: () => true,
  });
  await waitForPort(port, 10_000);
  const user = `${encodeURIComponent(credentials.user)}:${encodeURIComponent(credentials.password)}`;
  return {
    pid: child.pid,
    url: `http://${user}@127.0.0.1:${port}`,
    log: () => readFile(logfile, "utf8"),
    [Symbol.asyncDispose]: async () => {
      await child[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
