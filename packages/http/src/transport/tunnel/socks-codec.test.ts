import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ParseResult } from "./reply-reader.ts";
import { parseSocks4Reply, socks4Refusal, socks4Request } from "./socks4-codec.ts";
import {
  parseSocks5Authentication,
  parseSocks5Method,
  parseSocks5Reply,
  socks5Authentication,
  socks5Greeting,
  socks5Refusal,
  socks5Request,
} from "./socks5-codec.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const text = (value: string): string => Buffer.from(value).toString("hex");
const credentials = { user: Buffer.from("fred"), password: Buffer.from("secret") };

const said: readonly (readonly [what: string, bytes: Buffer, hex: string])[] = [
  ["a SOCKS5 greeting without credentials (RFC 1928 §3)", socks5Greeting(false), "05 01 00"],
  ["a SOCKS5 greeting with credentials (RFC 1928 §3)", socks5Greeting(true), "05 02 00 02"],
  [
    "SOCKS5 user and password (RFC 1929 §2)",
    socks5Authentication(credentials),
    `01 04 ${text("fred")} 06 ${text("secret")}`,
  ],
  [
    "an empty password",
    socks5Authentication({ user: Buffer.from("u"), password: Buffer.alloc(0) }),
    `01 01 ${text("u")} 00`,
  ],
  [
    "an IPv4 address for SOCKS5 (RFC 1928 §5)",
    socks5Request("66.102.7.99", 80),
    "05 01 00 01 42 66 07 63 00 50",
  ],
  [
    "an IPv6 address for SOCKS5",
    socks5Request("2001:db8::ff00:42:8329", 443),
    "05 01 00 04 20010db8 00000000 0000ff00 00428329 01bb",
  ],
  ["the IPv6 loopback", socks5Request("::1", 65_535), `05 01 00 04 ${"00".repeat(15)} 01 ffff`],
  [
    "an IPv4 address in an IPv6 one",
    socks5Request("::ffff:1.2.3.4", 1),
    "05 01 00 04 00000000000000000000ffff01020304 0001",
  ],
  ["the unspecified IPv6 address", socks5Request("::", 1), `05 01 00 04 ${"00".repeat(16)} 0001`],
  ["a name for SOCKS5", socks5Request("a.test", 8_080), `05 01 00 03 06 ${text("a.test")} 1f90`],
  [
    "an address for SOCKS4",
    socks4Request({ host: "66.102.7.99", port: 80 }, Buffer.from("Fred")),
    `04 01 0050 42660763 ${text("Fred")} 00`,
  ],
  [
    "a name for SOCKS4A, behind an address that cannot be one",
    socks4Request({ host: "a.test", port: 443 }, Buffer.alloc(0)),
    `04 01 01bb 00000001 00 ${text("a.test")} 00`,
  ],
];

for (const [what, bytes, expected] of said) {
  test(`encodes ${what}`, () => {
    assert.equal(bytes.toString("hex"), hex(expected).toString("hex"));
  });
}

type Reader = (bytes: Buffer) => ParseResult<unknown>;

const heard: readonly (readonly [
  what: string,
  parse: Reader,
  hex: string,
  value: unknown,
  length: number,
])[] = [
  ["no authentication", parseSocks5Method, "05 00", "none", 2],
  ["authentication by password", parseSocks5Method, "05 02 ff", "password", 2],
  ["no acceptable method", parseSocks5Method, "05 ff", "unacceptable", 2],
  ["accepted credentials", parseSocks5Authentication, "01 00", true, 2],
  ["rejected credentials", parseSocks5Authentication, "01 01", false, 2],
  ["credentials rejected with another status", parseSocks5Authentication, "01 ff", false, 2],
  ["accepted credentials in the wrong version", parseSocks5Authentication, "05 00", true, 2],
  ["a connection from an IPv4 address", parseSocks5Reply, "05 00 00 01 7f000001 1f90 aa", { ok: true }, 10],
  [
    "a connection from an IPv6 address",
    parseSocks5Reply,
    `05 00 00 04 ${"00".repeat(16)} 1f90`,
    { ok: true },
    22,
  ],
  [
    "a connection from a name",
    parseSocks5Reply,
    `05 00 00 03 06 ${text("a.test")} 1f90 aabb`,
    { ok: true },
    13,
  ],
  ["a connection from an empty name", parseSocks5Reply, "05 00 00 03 00 0000", { ok: true }, 7],
  ["a refusal without an address", parseSocks5Reply, "05 05", { ok: false, reply: 5 }, 2],
  ["a refusal with an address", parseSocks5Reply, "05 01 00 01 00000000 0000", { ok: false, reply: 1 }, 10],
  ["a connection by SOCKS4", parseSocks4Reply, "00 5a 0000 00000000 aa", 90, 8],
  ["a connection by SOCKS4 in the wrong version", parseSocks4Reply, "04 5a 0000 00000000", 90, 8],
  ["a refusal by SOCKS4", parseSocks4Reply, "00 5b", 91, 2],
];

for (const [what, parse, bytes, value, length] of heard) {
  test(`parses ${what} with its last byte, and not earlier`, () => {
    assert.deepEqual(parse(hex(bytes)), { state: "complete", value, length });
    const least = (value as { ok?: boolean }).ok === false || value === 91 ? 2 : length;
    for (let cut = 0; cut < least; cut += 1)
      assert.deepEqual(parse(hex(bytes).subarray(0, cut)), { state: "incomplete" }, `after ${cut} bytes`);
  });
}

const garbage: readonly (readonly [what: string, parse: Reader, bytes: Buffer])[] = [
  ["HTTP instead of a method", parseSocks5Method, Buffer.from("HTTP/1.1 400 Bad Request")],
  ["SOCKS4 instead of a method", parseSocks5Method, hex("00 5b")],
  ["a method that was not offered", parseSocks5Method, hex("05 01")],
  ["HTTP instead of a reply", parseSocks5Reply, Buffer.from("HTTP/1.1 200 OK")],
  ["an address of an unknown type", parseSocks5Reply, hex("05 00 00 02 00000000 0000")],
  ["HTTP instead of an authentication status", parseSocks5Authentication, Buffer.from("HTTP")],
  ["HTTP instead of SOCKS4", parseSocks4Reply, Buffer.from("HTTP")],
  ["an unknown SOCKS4 code", parseSocks4Reply, hex("00 00")],
  ["a SOCKS4 code above the last one", parseSocks4Reply, hex("00 5e")],
];

for (const [what, parse, bytes] of garbage) {
  test(`rejects ${what}`, () => {
    assert.equal(parse(bytes).state, "invalid");
  });
}

const replies = [
  [1, "unavailable"],
  [2, "refused"],
  [3, "origin-unreachable"],
  [4, "origin-unreachable"],
  [5, "origin-refused"],
  [6, "unavailable"],
  [7, "unsupported"],
  [8, "unsupported"],
  [9, "unavailable"],
  [255, "unavailable"],
] as const;

for (const [reply, reason] of replies) {
  test(`reply ${reply} of SOCKS5 means ${reason} (RFC 1928 §6)`, () => {
    assert.equal(socks5Refusal(reply).reason, reason);
  });
}

test("SOCKS4 codes mean a failure or an identd mismatch", () => {
  assert.deepEqual(
    [91, 92, 93].map((code) => socks4Refusal(code).reason),
    ["unavailable", "auth", "auth"],
  );
});

const parsers: readonly Reader[] = [
  parseSocks5Method,
  parseSocks5Authentication,
  parseSocks5Reply,
  parseSocks4Reply,
];

test("garbage never exceeds the input and is decided within 262 bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...parsers), (bytes, parse) => {
      const parsed = parse(Buffer.from(bytes));
      if (parsed.state === "complete") assert.ok(parsed.length <= bytes.length);
      if (parsed.state === "incomplete") assert.ok(bytes.length < 262);
    }),
  );
});
