import assert from "node:assert/strict";
import { test } from "node:test";
import { createAddressRule } from "./public-addresses.ts";

const refused: readonly (readonly [string, string])[] = [
  ["0.0.0.0", "this network"],
  ["0.255.255.255", "this network"],
  ["10.0.0.0", "private"],
  ["10.255.255.255", "private"],
  ["100.64.0.0", "shared by a carrier"],
  ["100.127.255.255", "shared by a carrier"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["169.254.169.254", "link-local"],
  ["172.16.0.0", "private"],
  ["172.31.255.255", "private"],
  ["192.0.0.9", "reserved for protocols"],
  ["192.0.2.1", "for documentation"],
  ["192.88.99.1", "6to4 relay"],
  ["192.168.0.0", "private"],
  ["192.168.255.255", "private"],
  ["198.19.255.255", "for benchmarks"],
  ["203.0.113.255", "for documentation"],
  ["224.0.0.1", "multicast"],
  ["239.255.255.255", "multicast"],
  ["240.0.0.0", "reserved"],
  ["255.255.255.255", "reserved"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["0:0:0:0:0:0:0:1", "loopback"],
  ["::ffff:127.0.0.1", "an IPv4 address in IPv6"],
  ["::ffff:7f00:1", "an IPv4 address in IPv6"],
  ["0:0:0:0:0:ffff:8.8.8.8", "an IPv4 address in IPv6"],
  ["::127.0.0.1", "reserved"],
  ["::ffff:0:127.0.0.1", "reserved"],
  ["64:ff9b::10.0.0.1", "NAT64"],
  ["64:ff9b:1::a00:1", "NAT64"],
  ["100::1", "reserved"],
  ["2001::1", "Teredo"],
  ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"],
  ["2001:2::1", "reserved for protocols"],
  ["2001:20::1", "reserved for protocols"],
  ["2001:db8::1", "for documentation"],
  ["2002:7f00:1::", "6to4"],
  ["2002:a00:1::1", "6to4"],
  ["3fff::1", "for documentation"],
  ["5f00::1", "reserved"],
  ["fc00::1", "private"],
  ["fd00:ec2::254", "private"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "link-local"],
  ["febf::1", "link-local"],
  ["fec0::1", "reserved"],
  ["ff02::1", "multicast"],
];

const publicAddresses = [
  "1.1.1.1",
  "8.8.8.8",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "192.167.255.255",
  "192.169.0.0",
  "223.255.255.255",
  "2000::1",
  "2001:200::1",
  "2606:4700::1111",
  "2a00:1450:4001:80b::200e",
];

test("the rule for public addresses refuses special blocks, in every spelling", () => {
  const { problemWith } = createAddressRule([]);

  for (const [address, problem] of refused) assert.equal(problemWith(address), problem, address);
  for (const address of publicAddresses) assert.equal(problemWith(address), undefined, address);
});

test("the rule for public addresses allows the given addresses and ranges", () => {
  const { problemWith } = createAddressRule(["10.1.0.0/16", "127.0.0.2", "fd00::/64", "64:ff9b::/96"]);
  const allowed = ["10.1.255.255", "127.0.0.2", "::ffff:10.1.0.1", "fd00::5", "64:ff9b::808:808", "8.8.8.8"];
  const others = ["10.2.0.0", "127.0.0.1", "::ffff:10.2.0.1", "fd00:0:0:1::5", "64:ff9b:1::1"];

  for (const address of allowed) assert.equal(problemWith(address), undefined, address);
  for (const address of others) assert.notEqual(problemWith(address), undefined, address);
});
