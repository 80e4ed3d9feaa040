import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChallenges, type Challenge } from "./challenge.ts";

type Short = readonly [Challenge["scheme"], Challenge["params"]];

const table: readonly (readonly [header: string, challenges: readonly Short[]])[] = [
  ["", []],
  ["Basic", [["basic", {}]]],
  ['Basic realm="simple"', [["basic", { realm: "simple" }]]],
  ['Basic realm="a, b"', [["basic", { realm: "a, b" }]]],
  [String.raw`Basic realm="say \"hi\" \\"`, [["basic", { realm: String.raw`say "hi" ${"\\"}` }]]],
  ['Digest REALM=x, Nonce = "n=", stale=TRUE', [["digest", { realm: "x", nonce: "n=", stale: "TRUE" }]]],
  // RFC 9110 §11.6.1
  [
    'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
    [
      ["basic", { realm: "simple" }],
      ["newauth", { realm: "apps", type: "1", title: 'Login to "apps"' }],
    ],
  ],
  [
    'Negotiate, Basic realm="x"',
    [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
    ],
  ],
  [
    'Bearer error="invalid_token" , ,Basic realm="x"',
    [
      ["bearer", { error: "invalid_token" }],
      ["basic", { realm: "x" }],
    ],
  ],
  [
    'Digest qop="auth,auth-int", algorithm=SHA-256',
    [["digest", { qop: "auth,auth-int", algorithm: "SHA-256" }]],
  ],
  ['realm="x"', []],
  ['Basic realm="never ends', [["basic", {}]]],
  [
    'Negotiate oYG2==, Digest realm="r", nonce="n"',
    [
      ["negotiate", {}],
      ["digest", { realm: "r", nonce: "n" }],
    ],
  ],
  [
    'NTLM TlRMTVNTUAAC=,Basic realm="r"',
    [
      ["ntlm", {}],
      ["basic", { realm: "r" }],
    ],
  ],
  // Members that cannot be read.
  [
    'Digest realm="r", @@@, {"a": "b, c"}, stale = , opaque=, nonce="n"',
    [["digest", { realm: "r", nonce: "n" }]],
  ],
  [
    'Broken "a, Basic realm=x", Digest realm="r", nonce="n"',
    [
      ["broken", {}],
      ["digest", { realm: "r", nonce: "n" }],
    ],
  ],
  [
    'Basic realm="never ends, Digest realm="r", nonce="n"',
    [
      ["basic", {}],
      ["digest", { realm: "r", nonce: "n" }],
    ],
  ],
  ["\u{1f600}, Digest nonce=a/b+c==", [["digest", { nonce: "a/b+c==" }]]],
  ['realm="x", Basic realm="y"', [["basic", { realm: "y" }]]],
];

for (const [header, challenges] of table) {
  test(`reads ${header || "nothing"}`, () => {
    assert.deepEqual(
      parseChallenges(header).map(({ scheme, params }): Short => [scheme, params]),
      challenges,
    );
  });
}

test("parses a long and a hostile header in linear time", () => {
  const began = performance.now();

  parseChallenges(`Digest realm="${"\\".repeat(100_000)}`);
  parseChallenges("a=".repeat(50_000));
  parseChallenges("Basic ".repeat(20_000));
  parseChallenges('"\\"'.repeat(5_000));
  parseChallenges('@", '.repeat(20_000));
  parseChallenges("a, ".repeat(20_000));

  assert.ok(performance.now() - began < 5_000);
});
