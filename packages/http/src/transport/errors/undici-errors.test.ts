import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { undiciMessages } from "./undici-errors.ts";

const require = createRequire(import.meta.url);

function fileOf(name: string): string {
  return readFileSync(require.resolve(name), "utf8");
}

function versionIn(text: string, ...path: readonly string[]): unknown {
  let found: unknown = JSON.parse(text);
  for (const name of path) found = Reflect.get(Object(found), name);
  return found;
}

test("undici has the pinned version: check its messages and internals before you change it", () => {
  const ours = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");

  assert.equal(versionIn(ours, "dependencies", "undici"), "8.12.4");
  assert.equal(versionIn(fileOf("undici/package.json"), "version"), "8.12.4");
});

test("undici's source contains each quoted message exactly as often as expected", () => {
  const source = fileOf("undici/lib/dispatcher/client-h2.js");
  const all = source.matchAll(/Error\(\s*[`'](HTTP\/2: [^`']*)/g);
  const said = [...new Set([...all].map(([, words = ""]) => words))].toSorted();

  const understood = Object.fromEntries(
    Object.entries(undiciMessages).map(([name, words]) => [
      name,
      // A template inserts a number, and only the type of HEADERS matters.
      said.filter((each) => each.replaceAll("${type}", "1").startsWith(words)),
    ]),
  );

  assert.deepEqual(understood, {
    goaway: ['HTTP/2: "GOAWAY" frame received with code ${errorCode}'],
    unsent: ['HTTP/2: "frameError" received - type ${type}, code ${code}'],
    streamEnd: [
      "HTTP/2: stream closed before response headers",
      "HTTP/2: stream closed before the response was complete",
      "HTTP/2: stream errored before response headers",
      "HTTP/2: stream half-closed (remote)",
    ],
  });
});
