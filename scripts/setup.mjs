// Plain JavaScript without dependencies: it runs before anything is installed, on any Node from 20 on.
import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installed = join(root, "node_modules", ".package-lock.json");
const lockfile = join(root, "package-lock.json");

/** Tells whether what is installed is missing or older than what the lockfile asks for. */
function isStale() {
  return !existsSync(installed) || statSync(installed).mtimeMs < statSync(lockfile).mtimeMs;
}

/** Installs exactly what the lockfile says; npm is only heard when it fails. */
async function install() {
  const startedAt = Date.now();
  process.stderr.write("Installing what is missing (npm ci, a minute at most) ... ");
  // npm tells its scripts where it is; a bare `npm` is a shell script on Windows.
  const npm = process.env.npm_execpath;
  const [command, before] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const { code, output } = await run(
    command,
    [...before, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      stdio: ["ignore", "pipe", "pipe"],
      shell: npm === undefined && process.platform === "win32",
    },
  );
  process.stderr.write(
    code === 0 ? `done in ${Math.round((Date.now() - startedAt) / 1000)} s\n` : `failed\n${output}`,
  );
  return code;
}

/** Finds a Node that runs TypeScript: the pinned one, or this one where it is new enough. */
function findNode() {
  const pinned = join(
    root,
    "node_modules",
    "node",
    "bin",
    process.platform === "win32" ? "node.exe" : "node",
  );
  if (existsSync(pinned)) return pinned;
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 19) ? process.execPath : undefined;
}

/** Runs a program to its end, passing on the signals that are meant to end it. */
function run(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, ...options });
    let output = "";
    const keep = (chunk) => (output += chunk);
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    const pass = (signal) => child.kill(signal);
    process.on("SIGINT", pass).on("SIGTERM", pass);
    const end = (code) => {
      process.off("SIGINT", pass).off("SIGTERM", pass);
      resolve({ code, output });
    };
    child.on("error", (error) => {
      output += `${error.message}\n`;
      end(1);
    });
    child.on("close", (code) => end(code ?? 1));
  });
}

async function main([script, ...args]) {
  if (isStale()) {
    const code = await install();
    if (code !== 0) return code;
  }
  if (script === undefined) return 0;
  const node = findNode();
  if (node === undefined) {
    process.stderr.write(
      `Node ${process.versions.node} cannot run this, and the pinned one was not installed: allow install scripts (npm config get ignore-scripts), or use Node 22.19 or newer\n`,
    );
    return 1;
  }
  const { code } = await run(node, ["--conditions=source", join(root, script), ...args], {
    stdio: "inherit",
  });
  return code;
}

process.exitCode = await main(process.argv.slice(2));
