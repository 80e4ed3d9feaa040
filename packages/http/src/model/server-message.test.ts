import assert from "node:assert/strict";
import { test } from "node:test";
import { readServerMessage } from "./server-message.ts";

const rows: readonly (readonly [type: string | null, body: string, message: string | undefined])[] = [
  ["application/json", '{"message":"Name is required."}', "Name is required"],
  ["application/json", '{"error":"not found"}', "not found"],
  ["application/json", '{"error":{"code":7,"message":"No such model"}}', "No such model"],
  ["application/json", '{"error":"invalid_grant","error_description":"Token expired"}', "Token expired"],
  ["application/json", '{"errors":[{"detail":"Bad page"},{"detail":"Bad size"}]}', "Bad page"],
  ["application/json", '{"errors":{"name":["is too long"]}}', undefined],
  ["application/json; charset=utf-8", '{"detail":"Zu groß"}', "Zu groß"],
  [
    "application/problem+json",
    '{"type":"about:blank","title":"Gone","detail":"Moved in 2020"}',
    "Moved in 2020",
  ],
  ["application/problem+json", '{"title":"Gone","status":410}', "Gone"],
  ["application/json", '"just text"', "just text"],
  ["application/json", "{broken", "{broken"],
  ["application/json", '{"message":""}', undefined],
  ["application/json", '{"message":null,"detail":"second"}', "second"],
  ["application/json", '{"id":1}', undefined],
  [null, '{"message":"no type"}', "no type"],
  ["text/plain", "\n first line \nsecond", "first line"],
  ["text/html", "<html><head><title>502 Bad\n Gateway</title></head>", "502 Bad Gateway"],
  ["text/html", "<h1>no title</h1>", undefined],
  ["text/plain", "", undefined],
  ["image/png", "PNG", undefined],
  ["text/plain", `token=s3cret ${"x".repeat(400)}`, `token=*** ${"x".repeat(290)}…`],
  ["text/plain", "red \u001b[31mtext", "red [31mtext"],
];

for (const [type, body, message] of rows) {
  test(`the message in ${JSON.stringify(body.slice(0, 60))} (${type}) is ${JSON.stringify(message)?.slice(0, 40)}`, () => {
    assert.equal(readServerMessage(Buffer.from(body), type), message);
  });
}

test("a deeply nested body has no message and no end", () => {
  const nested = `${'{"error":'.repeat(5_000)}"deep"${"}".repeat(5_000)}`;

  assert.equal(readServerMessage(Buffer.from(nested), "application/json"), undefined);
});
