import assert from "node:assert/strict";
import { BlockList } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { createAddressRule } from "./public-addresses.ts";

/*
 * ipaddr.js has the blocks of IANA in tables of its own. An address that it takes for special must be refused. Where only
 * holdfast refuses an address, this list explains it.
 */
const { problemWith } = createAddressRule([]);

/** Refused here, and "unicast" for ipaddr.js. */
const refusedHereAlone = new BlockList();
// Outside of what IANA has allocated to hosts on the internet.
for (const range of ["::/3", "4000::/2", "8000::/1"]) addRange(range);
// Reserved for protocols (RFC 2928), of which ipaddr.js knows the allocated parts.
addRange("2001::/23");

function addRange(range: string): void {
  const [address = "", length] = range.split("/");
  refusedHereAlone.addSubnet(address, Number(length), "ipv6");
}

function check(address: string): void {
  const range = ipaddr.parse(address).range();
  const problem = problemWith(address);
  if (range !== "unicast") assert.ok(problem !== undefined, `${address} is ${range}`);
  else if (problem !== undefined)
    assert.ok(
      address.includes(":") && refusedHereAlone.check(address, "ipv6"),
      `${address} is refused as ${problem}, and unicast for ipaddr.js`,
    );
}

const blocks = [
  ...`0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24
  192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4
  240.0.0.0/4 8.8.8.0/24`.split(/\s+/),
  ...`::/128 ::1/128 ::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/32 2001::/23
  2001:1::/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 2001:200::/23 2002::/16
  2620:4f:8000::/48 3fff::/20 3ffe::/16 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8 2a00::/12 2000::/3`.split(
    /\s+/,
  ),
];

/** Returns the bits of an address, and the number of its bits. */
function toBits(address: string): { readonly bits: bigint; readonly size: number } {
  const bytes = ipaddr.parse(address).toByteArray();
  return { bits: bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n), size: bytes.length * 8 };
}

function fromBits(bits: bigint, size: number): string {
  const length = size / 8;
  const wrapped = BigInt.asUintN(size, bits);
  const bytes = Array.from({ length }, (_, index) =>
    Number((wrapped >> BigInt(8 * (length - 1 - index))) & 255n),
  );
  return ipaddr.fromByteArray(bytes).toString();
}

test("agrees with ipaddr.js at the edges of every block, and next to them", () => {
  for (const block of blocks) {
    const [address = "", length] = block.split("/");
    const { bits, size } = toBits(address);
    const last = bits + (1n << BigInt(size - Number(length))) - 1n;
    for (const edge of [bits - 1n, bits, bits + 1n, last - 1n, last, last + 1n]) check(fromBits(edge, size));
  }
});

const anyIpv4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((bits) => fromBits(bits, 32));
const anyIpv6 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((bits) => fromBits(bits, 128));
const inBlock = fc
  .tuple(fc.constantFrom(...blocks), fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }))
  .map(([block, random]) => {
    const [address = "", length] = block.split("/");
    const { bits, size } = toBits(address);
    return fromBits(bits + BigInt.asUintN(size - Number(length), random), size);
  });

test("agrees with ipaddr.js about random addresses", () => {
  fc.assert(fc.property(fc.oneof(anyIpv4, anyIpv6, inBlock), check), { numRuns: 2_000 });
});

/** Returns the spellings of an address that a URL may have. */
function spellingsOf(address: string): readonly string[] {
  const parsed = ipaddr.parse(address);
  const bytes = parsed.toByteArray();
  if (parsed.kind() === "ipv4") {
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    const number = ((a * 256 + b) * 256 + c) * 256 + d;
    const octal = (value: number): string => `0${value.toString(8)}`;
    return [
      String(number),
      `0x${number.toString(16)}`,
      octal(number),
      bytes.map((byte) => `0x${byte.toString(16)}`).join("."),
      bytes.map(octal).join("."),
      `${a}.${(b * 256 + c) * 256 + d}`,
      `${a}.${b}.${c * 256 + d}`,
      bytes.map((byte) => `%3${String(byte).split("").join("%3")}`).join("."),
      `${address}.`,
      address.replaceAll(".", "。"),
    ];
  }
  const groups = Array.from(
    { length: 8 },
    (_, index) => (bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0),
  );
  const text = groups.map((group) => group.toString(16));
  const padded = text.map((group) => group.padStart(4, "0"));
  const tail = bytes.slice(12).join(".");
  return [
    text.join(":"),
    padded.join(":"),
    padded.join(":").toUpperCase(),
    `${text.slice(0, 6).join(":")}:${tail}`,
  ].map((spelling) => `[${spelling}]`);
}

test("decides the same for every spelling of an address in a URL", () => {
  fc.assert(
    fc.property(fc.oneof(anyIpv4, anyIpv6, inBlock), (address) => {
      for (const spelling of spellingsOf(address)) {
        const host = new URL(`http://${spelling}/`).hostname.replace(/^\[(.*)\]$/, "$1");
        assert.equal(problemWith(host), problemWith(address), `${spelling} for ${address}`);
        if (address.includes(":")) assert.equal(problemWith(`${host}%eth0`), problemWith(address));
      }
    }),
    { numRuns: 500 },
  );
});
