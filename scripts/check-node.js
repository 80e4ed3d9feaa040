// The first module of every entry that needs Node. It runs on any version, and imports nothing.
const oldest = "22.19";

const version = globalThis.process?.versions?.node ?? oldest;
const [major = 0, minor = 0] = version.split(".").map(Number);
const [oldestMajor = 0, oldestMinor = 0] = oldest.split(".").map(Number);
if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  const error = new Error(`holdfast needs Node ${oldest} or later, and this is Node ${version}`);
  // The frames of a module loader help nobody.
  error.stack = error.message;
  throw error;
}
