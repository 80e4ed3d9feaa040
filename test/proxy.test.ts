import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ProxyError, Retry, Session, isFailure } from "@holdfast/http";
import {
  faultOrigin,
  refusedPort,
  reset,
  respond,
  silence,
  tunnel,
  type FaultOrigin,
} from "@holdfast/http/testing";
import { certificates } from "./support/certificates.ts";
import { tinyproxy, type Tinyproxy } from "./support/tinyproxy.ts";

const quick = new Retry({ total: 2, backoffFactor: "5ms", raiseOnStatus: false });

describe("a session behind a real proxy", () => {
  let proxy: Tinyproxy;
  let plain: FaultOrigin;
  let secure: FaultOrigin;
  let ca: string;

  before(async () => {
    const made = await certificates();
    ca = made.ca.cert;
    proxy = await tinyproxy({ user: "ada", password: "love-lace" });
    const routes = { "/": [respond(200, { body: "here" })] };
    plain = await faultOrigin({ routes });
    secure = await faultOrigin({ routes, tls: made.good });
  });

  after(async () => {
    await Promise.all([proxy[Symbol.asyncDispose](), plain.close(), secure.close()]);
  });

  test("a session behind a proxy reaches a plain origin by the full URL, without the proxy's credentials", async () => {
    await using session = new Session({ proxy: proxy.url, retry: quick });

    const response = await session.get(`${plain.url}/`);

    assert.equal(await response.text(), "here");
    assert.equal(plain.requests[0]?.headers["proxy-authorization"], undefined);
    assert.match(await proxy.log(), /Request.*GET http:/);
  });

  test("a session behind a proxy reaches a secure origin through a tunnel, and checks its certificate", async () => {
    await using session = new Session({ proxy: proxy.url, retry: quick, tls: { ca } });

    const response = await session.get(`https://localhost:${secure.port}/`);

    assert.equal(await response.text(), "here");
    assert.equal(secure.requests[0]?.headers["proxy-authorization"], undefined);
    assert.match(await proxy.log(), /CONNECT localhost/);
  });

  test("a session behind a proxy that requires credentials fails once, without credentials in the error", async () => {
    const wrong = proxy.url.replace("ada", "eve");
    await using session = new Session({ proxy: wrong, retry: quick, tls: { ca } });

    const failure: unknown = await session
      .get(`https://localhost:${secure.port}/`)
      .catch((error: unknown) => error);

    assert.ok(failure instanceof ProxyError && isFailure(failure));
    assert.ok(failure.status === 407 || failure.status === 401);
    assert.equal(failure.attempts.length, 1);
    assert.doesNotMatch(JSON.stringify(failure) + failure.message, /eve|lace/);
  });
});

describe("a session behind a bad proxy", () => {
  const cases = [
    ["that resets the first CONNECT", [reset()], true],
    ["that answers 502 first", [respond(502)], true],
    ["that never answers the first CONNECT", [silence()], true],
    ["that forbids the target", [respond(403), respond(403), respond(403)], false],
  ] as const;
  for (const [name, faults, recovers] of cases) {
    test(`${name} ${recovers ? "gets through on a later attempt" : "fails, and it is the proxy's fault"}`, async () => {
      const { ca: authority, good } = await certificates();
      const ca = authority.cert;
      await using origin = await faultOrigin({
        routes: { "/": [respond(200, { body: "here" })] },
        tls: good,
      });
      const target = `localhost:${origin.port}`;
      await using proxy = await faultOrigin({
        routes: { [target]: [...faults, tunnel({ host: "127.0.0.1", port: origin.port })] },
      });
      await using session = new Session({
        proxy: proxy.url,
        retry: quick,
        tls: { ca },
        timeout: { connect: "300ms" },
      });

      const outcome = await session
        .post(`https://${target}/`, { body: "x" })
        .catch((error: unknown) => error);

      if (recovers) {
        assert.ok(!(outcome instanceof Error), String(outcome));
        assert.equal(origin.attempts("/"), 1);
      } else {
        assert.ok(outcome instanceof ProxyError);
        assert.equal(outcome.mayHaveArrived, false);
        assert.equal(origin.attempts("/"), 0);
      }
    });
  }

  test("a proxy that is down is never bypassed", async () => {
    await using origin = await faultOrigin({ routes: { "/": [respond(200)] } });
    const port = await refusedPort();
    await using session = new Session({ proxy: `http://127.0.0.1:${port}`, retry: quick });

    await assert.rejects(session.get(`${origin.url}/`), ProxyError);

    assert.equal(origin.requests.length, 0);
  });
});
