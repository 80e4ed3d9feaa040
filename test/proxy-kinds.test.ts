import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { ProxyError, Retry, Session, type ProxyReason } from "@holdfast/http";
import { faultOrigin, refusedPort, respond, type FaultOrigin } from "@holdfast/http/testing";
import { certificates } from "./support/certificates.ts";
import { dante, microsocks, type SocksServer } from "./support/socks.ts";
import { sshForwarding } from "./support/ssh.ts";
import { squid, type Squid } from "./support/squid.ts";
import { tinyproxy, type Tinyproxy } from "./support/tinyproxy.ts";

const noRetry = new Retry({ total: 0, raiseOnStatus: false });
const credentials = { user: "ada", password: "love-lace@1:%" };
const plainPassword = { user: "ada", password: "love-lace" };

describe("through a real proxy", () => {
  let plain: FaultOrigin;
  let secure: FaultOrigin;
  let ca: string;
  let danted: SocksServer;
  let socks: SocksServer;
  let lockedSocks: SocksServer;
  let ssh: SocksServer;
  let many: Squid;
  let tiny: Tinyproxy;
  let closed: number;
  let forbidden: number;
  const urls = new Map<string, string>();

  before(async () => {
    const made = await certificates();
    ca = made.ca.cert;
    const routes = { "/": [respond(200, { body: "here" })] };
    [plain, secure, closed, forbidden] = await Promise.all([
      faultOrigin({ routes }),
      faultOrigin({ routes, tls: made.good }),
      refusedPort(),
      refusedPort(),
    ]);
    [danted, socks, lockedSocks, ssh, many, tiny] = await Promise.all([
      dante({ outgoing: "127.0.0.2", forbidden }),
      microsocks({ outgoing: "127.0.0.3" }),
      microsocks({ credentials }),
      sshForwarding(),
      squid([{ outgoing: "127.0.0.4" }, { credentials }, { forbidden: "localhost" }]),
      tinyproxy({ ...plainPassword, outgoing: "127.0.0.5" }),
    ]);
    urls.set("squid", many.urls[0] ?? "");
    urls.set("squid with a password", many.urls[1] ?? "");
    urls.set("tinyproxy with a password", tiny.url);
    urls.set("dante by socks5", `socks5://${danted.authority}`);
    urls.set("dante by socks5h", `socks5h://${danted.authority}`);
    urls.set("dante by socks4", `socks4://${danted.authority}`);
    urls.set("ssh -D by socks4a", `socks4a://${ssh.authority}`);
    urls.set("ssh -D by socks5h", `socks5h://${ssh.authority}`);
    urls.set("microsocks by socks5", `socks5://${socks.authority}`);
    urls.set("microsocks by socks5h, which needs no password", `socks5h://any:thing@${socks.authority}`);
    urls.set("microsocks with a password", `socks5h://${lockedSocks.authority}`);
    urls.set("squid that forbids", many.urls[2] ?? "");
  });

  after(async () => {
    const all = [danted, socks, lockedSocks, ssh, many, tiny, plain, secure];
    await Promise.all(all.map((each) => each[Symbol.asyncDispose]()));
  });

  function sessionVia(name: string, change: (url: string) => string = (url) => url): Session {
    return new Session({ proxy: change(urls.get(name) ?? ""), retry: noRetry, tls: { ca } });
  }

  const working = [
    "squid",
    "squid with a password",
    "tinyproxy with a password",
    "dante by socks5",
    "dante by socks5h",
    "dante by socks4",
    "ssh -D by socks4a",
    "ssh -D by socks5h",
    "microsocks by socks5",
    "microsocks by socks5h, which needs no password",
    "microsocks with a password",
  ];
  for (const name of working) {
    test(`${name}: requests reach a plain and a secure origin without the proxy's credentials`, async () => {
      await using session = sessionVia(name);
      const headers = { "proxy-authorization": "Basic for-the-proxy" };

      const first = await session.get(`http://localhost:${plain.port}/`);
      const second = await session.get(`https://localhost:${secure.port}/`, { headers });
      const third = await session.get(`https://localhost:${secure.port}/`);

      assert.deepEqual(
        [first.status, await first.text(), await second.text(), await third.text()],
        [200, "here", "here", "here"],
      );
      for (const { requests } of [plain, secure])
        assert.ok(requests.every((request) => request.headers["proxy-authorization"] === undefined));
      assert.equal(new Set(secure.requests.slice(-2).map(({ connection }) => connection)).size, 1);
    });
  }

  const outgoing = [
    ["squid", "127.0.0.4"],
    ["tinyproxy with a password", "127.0.0.5"],
    ["dante by socks5h", "127.0.0.2"],
    ["microsocks by socks5", "127.0.0.3"],
  ] as const;

  interface Refusal {
    readonly proxy: string;
    readonly change?: (url: string) => string;
    readonly url: () => string;
    readonly reason: ProxyReason;
    readonly fault: ProxyError["fault"];
    readonly status?: number;
  }

  const wrongPassword = (url: string): string => url.replace("ada:", "eve:");
  const noPassword = (url: string): string => url.replace(/\/\/.*@/, "//");
  const https = (): string => `https://localhost:${secure.port}/`;
  const http = (): string => `http://localhost:${plain.port}/`;
  const closedHttps = (): string => `https://localhost:${closed}/`;
  const closedHttp = (): string => `http://localhost:${closed}/`;
  const auth = { reason: "auth", fault: "proxy" } as const;
  const originRefused = { reason: "origin-refused", fault: "origin" } as const;
  const refusals: Readonly<Record<string, Refusal>> = {
    "squid, wrong password, CONNECT": {
      proxy: "squid with a password",
      change: wrongPassword,
      url: https,
      ...auth,
      status: 407,
    },
    "squid, wrong password, plain http": {
      proxy: "squid with a password",
      change: wrongPassword,
      url: http,
      ...auth,
      status: 407,
    },
    "squid, no password": {
      proxy: "squid with a password",
      change: noPassword,
      url: https,
      ...auth,
      status: 407,
    },
    "tinyproxy, wrong password, CONNECT": {
      proxy: "tinyproxy with a password",
      change: wrongPassword,
      url: https,
      ...auth,
      status: 401,
    },
    "tinyproxy, wrong password, plain http": {
      proxy: "tinyproxy with a password",
      change: wrongPassword,
      url: http,
      ...auth,
      status: 401,
    },
    "tinyproxy, no password": {
      proxy: "tinyproxy with a password",
      change: noPassword,
      url: https,
      ...auth,
      status: 407,
    },
    "microsocks, wrong password": {
      proxy: "microsocks with a password",
      change: wrongPassword,
      url: http,
      ...auth,
    },
    "microsocks, no password": {
      proxy: "microsocks with a password",
      change: noPassword,
      url: http,
      ...auth,
    },
    "squid, forbidden, CONNECT": {
      proxy: "squid that forbids",
      url: https,
      reason: "refused",
      fault: "proxy",
      status: 403,
    },
    "squid, forbidden, plain http": {
      proxy: "squid that forbids",
      url: http,
      reason: "refused",
      fault: "proxy",
      status: 403,
    },
    "dante, forbidden": {
      proxy: "dante by socks5h",
      url: () => `https://localhost:${forbidden}/`,
      reason: "refused",
      fault: "proxy",
    },
    "squid, origin down, CONNECT": { proxy: "squid", url: closedHttps, ...originRefused, status: 503 },
    "squid, origin down, plain http": { proxy: "squid", url: closedHttp, ...originRefused, status: 503 },
    "dante, origin down": { proxy: "dante by socks5", url: closedHttp, ...originRefused },
    "microsocks, origin down": { proxy: "microsocks by socks5", url: closedHttps, ...originRefused },
    "dante by socks4, origin down": {
      proxy: "dante by socks4",
      url: closedHttp,
      reason: "unavailable",
      fault: "unknown",
    },
    "tinyproxy, origin down, CONNECT": {
      proxy: "tinyproxy with a password",
      url: closedHttps,
      reason: "unavailable",
      fault: "unknown",
      status: 500,
    },
    "dante, no such name": {
      proxy: "dante by socks5h",
      url: () => "http://nowhere.invalid/",
      reason: "origin-unreachable",
      fault: "origin",
    },
  };
  for (const [name, { proxy, change, url, reason, fault, status }] of Object.entries(refusals)) {
    test(`${name}: ${reason}, the fault is ${fault === "unknown" ? "not known" : `the ${fault}'s`}`, async () => {
      await using session = sessionVia(proxy, change);
      const seen = plain.requests.length + secure.requests.length;

      const failure: unknown = await session.get(url()).catch((error: unknown) => error);

      assert.ok(failure instanceof ProxyError, String(failure));
      const { mayHaveArrived } = failure;
      assert.deepEqual(
        { reason: failure.reason, fault: failure.fault, status: failure.status, mayHaveArrived },
        { reason, fault, status, mayHaveArrived: false },
      );
      assert.equal(plain.requests.length + secure.requests.length, seen);
      assert.doesNotMatch(`${failure.message}${JSON.stringify(failure)}`, /eve|lace/);
    });
  }

  for (const [name, address] of outgoing) {
    test(`${name}: the origin sees requests from ${address}`, async () => {
      await using session = sessionVia(name);
      const peers: (string | undefined)[] = [];
      const server = createServer((request, response) => {
        peers.push(request.socket.remoteAddress);
        response.end("ok");
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const at = server.address();

      await session.get(`http://127.0.0.1:${typeof at === "object" ? at?.port : 0}/`);

      server.close();
      assert.deepEqual(peers, [address]);
    });
  }
});
