// Plain JavaScript without dependencies, because it runs before anything is installed, on Node 20 and later.
import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installed = join(root, "node_modules", ".package-lock.json");
const lockfile = join(root, "package-lock.json");

/** Returns whether the installed packages are missing or older than the lockfile. */
function isStale() {
  return !existsSync(installed) || statSync(installed).mtimeMs < statSync(lockfile).mtimeMs;
}

// npm ci rejects a lockfile without an optional package of this platform. npm install then adds it, with the same versions.
const commands = [["ci"], ["install", "--no-save"]];

/** Installs the packages of the lockfile without changing it. Shows the output of npm only if it fails. */
async function install() {
  const startedAt = Date.now();
  process.stderr.write("Installing packages (up to a minute) ... ");
  let result = { code: 1, output: "" };
  for (const command of commands) {
    result = await npm([...command, "--no-audit", "--no-fund", "--loglevel=error"]);
    if (result.code === 0) break;
  }
  const { code, output } = result;
  process.stderr.write(
    code === 0 ? `done in ${Math.round((Date.now() - startedAt) / 1000)} s\n` : `failed\n${output}`,
  );
  return code;
}

/** Runs npm: from the path that npm gives its scripts, or by name, which needs a shell on Windows. */
function npm(args) {
  const path = process.env.npm_execpath;
  const [command, before] = path === undefined ? ["npm", []] : [process.execPath, [path]];
  const shell = path === undefined && process.platform === "win32";
  return run(command, [...before, ...args], { stdio: ["ignore", "pipe", "pipe"], shell });
}

/** Returns the path of a Node that runs TypeScript: the pinned one, or this one if it is new enough. */
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

/** Runs a program to its end. Passes SIGINT and SIGTERM on to it. */
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
      `Node ${process.versions.node} cannot run TypeScript, and npm did not install the pinned Node. Use Node 22.19 or newer, or allow install scripts: npm config set ignore-scripts false\n`,
    );
    return 1;
  }
  const { code } = await run(node, ["--conditions=source", join(root, script), ...args], {
    stdio: "inherit",
  });
  return code;
}

process.exitCode = await main(process.argv.slice(2));
