// Plain JavaScript without dependencies: it runs before anything is installed, on any Node.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The Debian packages that the programs in test/ need, each with a file that proves it is there. */
const needed = {
  "nginx-light": "/usr/sbin/nginx",
  gunicorn: "/usr/bin/gunicorn",
  "python3-httpbin": "/usr/lib/python3/dist-packages/httpbin/core.py",
  "python3-doc": "/usr/share/doc/python3-doc/html/index.html",
  openssl: "/usr/bin/openssl",
  chromium: "/usr/bin/chromium",
  "tinyproxy-bin": "/usr/bin/tinyproxy",
  squid: "/usr/sbin/squid",
  microsocks: "/usr/bin/microsocks",
  "dante-server": "/usr/sbin/danted",
  "openssh-client": "/usr/bin/ssh",
  "openssh-server": "/usr/sbin/sshd",
};

const missing = () => Object.keys(needed).filter((name) => !existsSync(needed[name]));

/** Runs apt-get with its output on ours; false when it failed. */
function aptGet(...args) {
  // RUNLEVEL=1 keeps a server that is being installed from starting; the tests start their own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  return spawnSync("apt-get", args, { env, stdio: ["ignore", "inherit", "inherit"] }).status === 0;
}

function install(names) {
  if (!aptGet("update", "-q")) return;
  // Small images leave documentation out unless told otherwise, and here the documentation is what is served.
  const docs = "DPkg::Options::=--path-include=/usr/share/doc/python3-doc/*";
  const again = ["--reinstall", "-y", "-q", "--no-install-recommends", "-o", docs];
  aptGet("install", ...again, ...names);
}

const canInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
if (missing().length > 0 && canInstall) install(missing());

if (missing().length > 0) {
  console.error(`The tests need real servers. Install them: sudo apt-get install ${missing().join(" ")}`);
  process.exitCode = 1;
}

// The other Nodes that the built packages are tested on, where npm has them for this system.
const nodes = fileURLToPath(new URL("../platforms/nodes", import.meta.url));
if (process.platform === "linux" && process.arch === "x64" && !existsSync(`${nodes}/node_modules/node26`)) {
  const stdio = ["ignore", "inherit", "inherit"];
  const { status } = spawnSync("npm", ["install", "--no-save", "--loglevel=error"], { cwd: nodes, stdio });
  if (status !== 0) process.exitCode = 1;
}
