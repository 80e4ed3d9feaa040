import { execFile } from "node:child_process";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startChild } from "./child.ts";
import { freePorts, waitForPort } from "./ports.ts";
import type { SocksServer } from "./socks.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const run = promisify(execFile);

/** Starts a dynamic forwarding of OpenSSH, a SOCKS4a and SOCKS5 server, to an SSH server that it also starts on loopback. */
export async function sshForwarding(): Promise<SocksServer> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryDirectory("ssh"));
  const [port = 0, forwarding = 0] = await freePorts(2);
  const [hostKey, userKey] = [join(path, "host"), join(path, "user")];
  await Promise.all(
    [hostKey, userKey].map((file) => run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file])),
  );
  await rename(`${userKey}.pub`, join(path, "authorized"));
  // sshd needs this directory for privilege separation. Normally its service creates it.
  await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const configuration = join(path, "sshd_config");
  await writeFile(
    configuration,
    `
ListenAddress 127.0.0.1:${port}
HostKey ${hostKey}
AuthorizedKeysFile ${join(path, "authorized")}
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
`,
  );
  const server = stack.use(
    await startChild({
      command: "/usr/sbin/sshd",
      args: ["-D", "-e", "-f", configuration],
      ready: () => true,
    }),
  );
  await waitForPort(port, 10_000);
  const user = userInfo().username;
  const options = `-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=${join(path, "known")}`;
  const client = stack.use(
    await startChild({
      command: "/usr/bin/ssh",
      args: `-N -F none -D 127.0.0.1:${forwarding} -i ${userKey} -p ${port} ${options} ${user}@127.0.0.1`.split(
        " ",
      ),
      ready: () => true,
    }),
  );
  await waitForPort(forwarding, 10_000);
  const all = stack.move();
  return {
    pid: client.pid,
    authority: `127.0.0.1:${forwarding}`,
    log: () => server.log() + client.log(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
