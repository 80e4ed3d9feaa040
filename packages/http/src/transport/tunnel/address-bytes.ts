import { isIPv4 } from "node:net";

/** Returns the 4 or 16 bytes of an IPv4 or IPv6 address, without a zone such as `%eth0`. */
export function toAddressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const [before = "", after] = address.replace(/%.*$/, "").split("::");
  const head = toGroupBytes(before);
  const tail = toGroupBytes(after ?? "");
  return Buffer.concat([head, Buffer.alloc(16 - head.length - tail.length), tail]);
}

/** Returns two bytes for each group. The last group may be an IPv4 address (RFC 4291 §2.2). */
function toGroupBytes(text: string): Buffer {
  if (text === "") return Buffer.alloc(0);
  return Buffer.concat(
    text.split(":").map((group) => {
      if (group.includes(".")) return toAddressBytes(group);
      const value = Number.parseInt(group, 16);
      return Buffer.from([value >> 8, value & 0xff]);
    }),
  );
}
