// In bytes: the names of known services have fewer than 100.
const maxNameBytes = 256;

const encoder = new TextEncoder();
const decoder = new TextDecoder(undefined, { ignoreBOM: true });

/**
 * Returns the name of a limit as a server wrote it; undefined for a name longer than 256 bytes, which is not one. The result is
 * a copy: a slice would keep the whole head in memory for as long as the limit is remembered.
 */
export function toBucketName(written: string): string | undefined {
  if (written.length > maxNameBytes) return undefined;
  const bytes = encoder.encode(written);
  return bytes.length > maxNameBytes ? undefined : decoder.decode(bytes);
}
