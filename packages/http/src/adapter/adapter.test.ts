import { discardBody } from "../model/streamed-response.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Session } from "../session/session.ts";
import { faultOrigin, respond } from "../testing/index.ts";

const headers = { "Proxy-Authorization": "Basic for-the-proxy" };

test("removes Proxy-Authorization from a request that goes to the origin directly", async () => {
  await using origin = await faultOrigin({ routes: { "*": respond(200) } });
  await using session = new Session({ headers, trustEnvironment: false });

  await session.get(origin.url);
  const streamed = await session.get(origin.url, { stream: true, headers });
  await discardBody(streamed);

  assert.deepEqual(
    origin.requests.map((request) => request.headers["proxy-authorization"]),
    [undefined, undefined],
  );
});

test("sends Proxy-Authorization to a proxy that receives the request itself", async () => {
  await using proxy = await faultOrigin({ routes: { "*": respond(200) } });
  await using session = new Session({ headers, trustEnvironment: false, proxy: proxy.url });

  await session.get("http://origin.test/");

  assert.equal(proxy.requests[0]?.headers["proxy-authorization"], "Basic for-the-proxy");
});
