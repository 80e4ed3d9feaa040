import { isIPv4 } from "node:net";

/** An IPv4 or IPv6 address as its 4 or 16 bytes; a zone (`%eth0`) is left out. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const [before = "", after] = address.replace(/%.*$/, "").split("::");
  const head = groups(before);
  const tail = groups(after ?? "");
  return Buffer.concat([head, Buffer.alloc(16 - head.length - tail.length), tail]);
}

/** Two bytes for each group; the last may be an IPv4 address (RFC 4291 §2.2). */
function groups(text: string): Buffer {
  if (text === "") return Buffer.alloc(0);
  return Buffer.concat(
    text.split(":").map((group) => {
      if (group.includes(".")) return addressBytes(group);
      const value = Number.parseInt(group, 16);
      return Buffer.from([value >> 8, value & 0xff]);
    }),
  );
}
