import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxyProvider } from "../../model/proxy-provider.ts";
import { createRouter } from "./route.ts";

const url = new URL("http://a.test/");
const environment = { http_proxy: "http://env.test:1" };

function createProvider(covers = true): ProxyProvider {
  const unused = (): never => assert.fail("a route needs no lease");
  return { covers: () => covers, lease: unused, wait: unused, report: unused, onRelease: unused };
}

const provider = createProvider();
const other = createProvider();

test("without a provider the request's proxy precedes the session's and the environment's", () => {
  assert.equal(createRouter(undefined, undefined)(url), undefined);
  assert.equal(createRouter(undefined, environment)(url), "http://env.test:1");
  assert.equal(createRouter("http://s.test:2", environment)(url, "http://own.test:3"), "http://own.test:3");
});

test("a session's provider precedes the environment, and a request's proxy precedes the provider", () => {
  const route = createRouter(provider, environment);

  assert.deepEqual(route(url), { provider, country: undefined, identity: undefined });
  assert.equal(route(url, "http://own.test:3"), "http://own.test:3");
  assert.equal(route(url, { http: "http://own.test:3" }), "http://own.test:3");
  assert.deepEqual(route(url, { https: "http://own.test:3" }), {
    provider,
    country: undefined,
    identity: undefined,
  });
  assert.deepEqual(route(url, other), { provider: other, country: undefined, identity: undefined });
});

test("the no_proxy of a map names hosts, addresses and ports that connect directly", () => {
  const map = { all: "http://s.test:2", no_proxy: "10.0.0.1:8080, [::1]:8080, b.test" };
  const direct = ["http://10.0.0.1:8080/", "http://[::1]:8080/", "https://www.B.test./", "http://b.test:81/"];
  const proxied = ["http://10.0.0.1/", "http://10.0.0.1:8081/", "http://[::1]/", "http://a.test/"];

  for (const href of direct) {
    assert.equal(createRouter(map, environment)(new URL(href)), undefined, href);
    assert.equal(createRouter("http://s.test:2", environment)(new URL(href), map), undefined, href);
    assert.equal(createRouter(provider, environment)(new URL(href), map), undefined, href);
  }
  for (const href of proxied) {
    assert.equal(createRouter(map, environment)(new URL(href)), "http://s.test:2", href);
    assert.equal(createRouter(provider, environment)(new URL(href), map), "http://s.test:2", href);
  }
  assert.notEqual(
    createRouter(provider, undefined)(new URL("http://a.test/"), { no_proxy: "b.test" }),
    undefined,
  );
});

test("a request selects a country and an identity from the session's provider", () => {
  assert.deepEqual(createRouter(provider, undefined)(url, { country: "us" }), {
    provider,
    country: "us",
    identity: undefined,
  });
  assert.deepEqual(createRouter(provider, undefined)(url, { identity: "x" }), {
    provider,
    country: undefined,
    identity: "x",
  });
});

test("a selection fails if the session has no provider", () => {
  assert.throws(
    () => createRouter("http://s.test:2", undefined)(url, { country: "us" }),
    /selects a proxy from the session's pool, but the session has none/,
  );
});

test("a URL that the provider does not cover connects directly", () => {
  assert.equal(createRouter(createProvider(false), environment)(url), undefined);
});
