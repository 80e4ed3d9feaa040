import assert from "node:assert/strict";
import { test } from "node:test";
import { redact } from "./redact.ts";

const table: readonly (readonly [string, string])[] = [
  [
    "connect https://me:s3cret@proxy.example:8080/path failed",
    "connect https://***@proxy.example:8080/path failed",
  ],
  ["Location: //me:pw@b.test/", "Location: //***@b.test/"],
  ["socks5://us:er:p@ss@127.0.0.1", "socks5://***@127.0.0.1"],
  ["GET https://api.example/?api_key=abc123&page=2", "GET https://api.example/?api_key=***&page=2"],
  ["GET /?access_token=abc#top and token=xyz", "GET /?access_token=***#top and token=***"],
  ['{"password": "hunter2", "user": "me"}', '{"password": "***", "user": "me"}'],
  ['{"password":"a\\"b, c\'d","user":"me"}', '{"password":"***","user":"me"}'],
  ["/?client_secret=a,b;c(d)&page=2", "/?client_secret=***&page=2"],
  ["/?X-Amz-Credential=a%26b&JSESSIONID=c&jwt=d", "/?X-Amz-Credential=***&JSESSIONID=***&jwt=***"],
  ["/?to=https%3A%2F%2Fme%3Apw%40b.test%2F%40you", "/?to=https%3A%2F%2F***%40b.test%2F%40you"],
  ["/?to=%2F%3Ftoken%3Dabc&page=2", "/?to=%2F%3Ftoken%3D***&page=2"],
  ["x-csrf-token: abc def", "x-csrf-token: ***"],
  ["idempotency-key: abc", "idempotency-key: abc"],
  ["/?monkey=8&passage=9&author=me&side=2", "/?monkey=8&passage=9&author=me&side=2"],
  ["Authorization: Basic bWU6c2VjcmV0", "Authorization: ***"],
  ["refused Bearer abc.def-123", "refused Bearer ***"],
  ["Bearer authentication is required", "Bearer authentication is required"],
  ["Set-Cookie: id=1; Path=/", "Set-Cookie: ***"],
  ["two\r\nlines\u001b[31m", "two lines [31m"],
  ["status code: 503, duplicate key: 5", "status code: 503, duplicate key: 5"],
  ["connect ECONNREFUSED 127.0.0.1:80", "connect ECONNREFUSED 127.0.0.1:80"],
  ["mail me@example.org about https://example.org/@me", "mail me@example.org about https://example.org/@me"],
];

for (const [text, expected] of table) {
  test(`redacts ${JSON.stringify(text)}`, () => {
    assert.equal(redact(text), expected);
  });
}
