// Plain JavaScript without dependencies, because it runs before anything is installed, on any Node.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The Debian packages that the tests in test/ need, each with a file that exists if it is installed. */
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

/** The packages of test/interop.test.ts. It skips a server that is not installed, except in CI. */
const optional = {
  apache2: "/usr/sbin/apache2",
  lighttpd: "/usr/sbin/lighttpd",
  "lighttpd-mod-openssl": "/usr/lib/lighttpd/mod_openssl.so",
  haproxy: "/usr/sbin/haproxy",
  caddy: "/usr/bin/caddy",
  varnish: "/usr/sbin/varnishd",
  "nghttp2-server": "/usr/sbin/nghttpd",
};

const missingOf = (packages) => Object.keys(packages).filter((name) => !existsSync(packages[name]));
const missing = () => [...missingOf(needed), ...missingOf(optional)];

/** Runs apt-get and shows its output. Returns false if it failed. */
function aptGet(...args) {
  // RUNLEVEL=1 prevents servers from starting after their installation. The tests start their own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  return spawnSync("apt-get", args, { env, stdio: ["ignore", "inherit", "inherit"] }).status === 0;
}

function install(names) {
  if (!aptGet("update", "-q")) return;
  // Small images exclude documentation by default, but the tests serve these documentation files.
  const docs = "DPkg::Options::=--path-include=/usr/share/doc/python3-doc/*";
  const again = ["--reinstall", "-y", "-q", "--no-install-recommends", "-o", docs];
  aptGet("install", ...again, ...names);
}

/** Installs the servers. Fails without those that a test needs. */
function installServers() {
  const canInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (missing().length > 0 && canInstall) install(missing());
  if (missing().length === 0) return;
  console.error(`The tests need these servers. Install them: sudo apt-get install ${missing().join(" ")}`);
  if (missingOf(needed).length > 0 || process.env.CI !== undefined) process.exitCode = 1;
}

/** Installs the npm packages of a folder, unless `name` is installed there. */
function installFromNpm(folder, name) {
  const cwd = fileURLToPath(new URL(folder, import.meta.url));
  if (existsSync(`${cwd}/node_modules/${name}`)) return;
  const stdio = ["ignore", "inherit", "inherit"];
  const { status } = spawnSync("npm", ["install", "--no-save", "--loglevel=error"], { cwd, stdio });
  if (status !== 0) process.exitCode = 1;
}

// The types of the tests need only the packages of npm.
if (!process.argv.includes("--npm")) installServers();

// The other Node versions on which the built packages are tested, if npm has them for this system.
if (process.platform === "linux" && process.arch === "x64") installFromNpm("../platforms/nodes", "node26");
// The limiters against which the pace of a session is tested.
installFromNpm("../limiters", "rate-limiter-flexible");
// The clients of other authors to which holdfast attaches.
installFromNpm("../doors", "@opentelemetry/instrumentation-undici");
// Compilers, bundlers and runtimes in which the packages are tried.
if (process.platform === "linux" && process.arch === "x64") installFromNpm("../installs", "vitest");
