#!/usr/bin/env node
// Only this file must be readable for an old Node, which fails at the syntax and the modules of the others.
const oldest = "22.19";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const [oldestMajor = 0, oldestMinor = 0] = oldest.split(".").map(Number);
if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  process.stderr.write(
    `holdfast needs Node ${oldest} or later, and this is Node ${process.versions.node}: install a newer one from https://nodejs.org\n`,
  );
  process.exitCode = 1;
} else void import("./program/start.ts");
