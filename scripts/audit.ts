import { spawnSync } from "node:child_process";

/** The checks of a release that ask the registry: known vulnerabilities of production, and signatures of all packages. */
const checks = [
  ["audit", "--omit=dev", "--json"],
  ["audit", "signatures", "--json"],
] as const;

// A mirror of the registry without these endpoints, or no network.
const unavailable = /ENOAUDIT|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|"statusCode": ?(?:40[0-9]|5\d\d)/;

for (const args of checks) {
  const command = `npm ${args.slice(0, 2).join(" ")}`;
  const { status, stdout, stderr } = spawnSync("npm", [...args, "--fetch-retries=0"], {
    encoding: "utf8",
    timeout: 120_000,
  });
  const text = `${stdout}${stderr}`;
  if (status === 0) console.log(`${command}: passed`);
  else if (status === null || unavailable.test(text)) console.log(`${command}: not measured`);
  else {
    console.error(`${command}: failed\n${text}`);
    process.exitCode = 1;
  }
}
