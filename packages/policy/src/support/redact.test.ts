import assert from "node:assert/strict";
import { test } from "node:test";
import { isSecretHeader, redact } from "./redact.ts";

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
  ["/?token[]=a&user[password]=b&page[size]=2", "/?token[]=***&user[password]=***&page[size]=2"],
  ["/?filter%5Btoken%5D=a&%74oken=b&token%5B0%5D=c", "/?filter%5Btoken%5D=***&%74oken=***&token%5B0%5D=***"],
  ["/?sharedaccesskey=a&apiToken2=b&my.token=c", "/?sharedaccesskey=***&apiToken2=***&my.token=***"],
  ["/?code=a&code_verifier=b&client_assertion=c", "/?code=***&code_verifier=***&client_assertion=***"],
  [
    "/?Policy=a&hmac=b&otp=1&pin=2&ticket=c&se_pw=d",
    "/?Policy=***&hmac=***&otp=***&pin=***&ticket=***&se_pw=***",
  ],
  [
    "/?to=https%3A%2F%2Fb.test%2F%3Fcode%3Dabc%26x&page=2",
    "/?to=https%3A%2F%2Fb.test%2F%3Fcode%3D***&page=2",
  ],
  ["/?bearer=a&st=b&__token__=c&test=d", "/?bearer=***&st=***&__token__=***&test=d"],
  ["DPoP: eyJhbGciOi.e30.c2ln", "DPoP: ***"],
  ["Authorization is DPoP abc.def-123", "Authorization is DPoP ***"],
  ["/?%zz=1&%zz[token]=2", "/?%zz=1&%zz[token]=***"],
  [
    "/?country_code=de&max_tokens=9&spin=1&tickets=2&policyid=3",
    "/?country_code=de&max_tokens=9&spin=1&tickets=2&policyid=3",
  ],
  ["failed with code=5", "failed with code=5"],
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
  test(`redact handles ${JSON.stringify(text)}`, () => {
    assert.equal(redact(text), expected);
  });
}

const secretHeaders = [
  "token,secret,password,key,apikey,x-apikey,api_key,X-Api-Key,x-auth,x-auth-token,x-sessionid,x-session-id",
  "x-jwt,x-jwt-assertion,x-access-key-id,x-amz-credential,authentication,x-hub-signature-256,x-goog-api-key",
  "x-trackertoken,xapikey,x-github-otp,x-totp,x-mfa,x-pin,cb-access-sign,cb-access-passphrase,x-bearer,x-passcode",
  "authorization,Proxy-Authorization,x-goog-iam-authorization-token,dpop,cookie,set-cookie,private-token",
].flatMap((line) => line.split(","));
const openHeaders = [
  "idempotency-key,x-idempotency-key,x-request-id,author,x-monkey,passage,www-authenticate,x-keys,x-spin,x-pinned,x-signal,keep-alive",
  "x-ratelimit-remaining-tokens,anthropic-ratelimit-input-tokens-reset,content-type,etag,x-design,x-side",
].flatMap((line) => line.split(","));

test("isSecretHeader decides by the name of the header", () => {
  assert.deepEqual(
    secretHeaders.filter((name) => !isSecretHeader(name)),
    [],
  );
  assert.deepEqual(openHeaders.filter(isSecretHeader), []);
});

test("redact reads nested parameters in one pass", () => {
  const nested = `/?a=${"%3Fa%3D".repeat(20_000)}`;

  assert.equal(redact(nested), nested);
});
