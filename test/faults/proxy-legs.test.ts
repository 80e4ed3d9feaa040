import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConnectTimeoutError, ProxyError, Retry, TlsError } from "@holdfast/http";
import {
  blackhole,
  cutHandshake,
  faultOrigin,
  refusedPort,
  respond,
  silence,
  silentOnAccept,
  socksProxy,
  tunnel,
  type FaultOrigin,
  type SocksProxy,
} from "@holdfast/http/testing";
import { certificates } from "../support/certificates.ts";
import {
  blames,
  credentials,
  empty,
  failureOf,
  sessionVia,
  withOrigin,
  type Stage,
  until,
} from "./proxy-stage.ts";

describe("a phase of a connection through a proxy", () => {
  test("TCP to the proxy has half of the connect limit, and its timeout is the proxy's fault", async () => {
    await withOrigin(async (stage) => {
      await using proxy = await blackhole();
      await using session = sessionVia(proxy.url, stage, { timeout: { connect: "400ms" } });

      const failure = await failureOf(session.get(`https://${stage.authority}/`));

      blames(failure, "timeout-connect");
      assert.match(String(failure), /was not reached within 200 ms/);
    });
  });

  test("each phase has its own limit within the connect limit", async () => {
    await withOrigin(async (stage) => {
      await using proxy = await faultOrigin({ routes: { [stage.authority]: silence() } });
      for (const [timeout, ms] of [
        [{ connect: "10s", proxy: { tunnel: "100ms" } }, 100],
        [{ connect: "600ms", proxy: { tunnel: "10s" } }, 600],
      ] as const) {
        await using session = sessionVia(proxy.url, stage, { timeout });

        const failure = await failureOf(session.get(`https://${stage.authority}/`));

        blames(failure, "timeout-tunnel");
        assert.ok(Number(/within (\d+) ms/.exec(String(failure))?.[1]) <= ms, String(failure));
      }
    });
  });

  test("failures of TLS with the origin through the tunnel are the origin's fault", async () => {
    for (const [options, check] of [
      [
        { onConnection: silentOnAccept(), tls: undefined },
        (error: unknown) => error instanceof ConnectTimeoutError && error.phase === "tls",
      ],
      [
        { tls: (await certificates()).expired },
        (error: unknown) => error instanceof TlsError && error.certificate,
      ],
    ] as const) {
      await withOrigin(
        async (stage) => {
          await using proxy = await faultOrigin({ routes: { [stage.authority]: tunnel(stage.to) } });
          await using socks = await socksProxy();
          for (const url of [proxy.url, `socks5h://${socks.host}`]) {
            const timeout = { connect: "20s", proxy: { origin: "300ms" } } as const;
            await using session = sessionVia(url, stage, options.tls === undefined ? { timeout } : {});

            const failure = await failureOf(session.get(`https://${stage.authority}/`));

            assert.ok(check(failure), String(failure));
          }
          await Promise.all([empty(proxy), empty(socks)]);
        },
        options.tls === undefined ? { onConnection: options.onConnection } : { tls: options.tls },
      );
    }
  });

  test("a cut handshake with the origin has an unknown fault", async () => {
    await withOrigin(
      async (stage) => {
        await using proxy = await faultOrigin({ routes: { [stage.authority]: tunnel(stage.to) } });
        await using session = sessionVia(proxy.url, stage);

        const failure = await failureOf(session.get(`https://${stage.authority}/`));

        blames(failure, "cut");
        assert.ok(failure instanceof ProxyError && failure.fault === "unknown");
      },
      { onConnection: cutHandshake() },
    );
  });

  test("the caller's abort ends any phase with its reason, and leaves nothing open", async () => {
    await withOrigin(async (stage) => {
      await using mute = await faultOrigin({ routes: { [stage.authority]: silence() } });
      await using deaf = await faultOrigin({ tls: stage.all.good, onConnection: silentOnAccept() });
      await using socks = await socksProxy({ turns: { method: silence() } });
      await using stuck = await socksProxy({ turns: { tunnel: silence() } });
      await using dead = await blackhole();
      const proxies = [
        mute.url,
        `https://localhost:${deaf.port}`,
        `socks5://${socks.host}`,
        `socks5h://${stuck.host}`,
        dead.url,
      ];
      for (const url of proxies) {
        await using session = sessionVia(url, stage, { timeout: { connect: "20s" } });
        const abort = new AbortController();
        const reason = new Error("enough");
        const call = failureOf(session.get(`https://${stage.authority}/`, { signal: abort.signal }));
        const busy = [mute, deaf, socks, stuck].find(({ port }) => url.endsWith(`:${port}`));
        await until(() => busy?.openConnections !== 0);

        abort.abort(reason);

        assert.equal(await call, reason);
      }
      await Promise.all([mute, deaf, socks, stuck].map(empty));
    });
  });

  test("a proxy that is down, or has an unknown name, is unreachable and never bypassed", async () => {
    await withOrigin(async (stage) => {
      const port = await refusedPort();
      const proxies = [
        `http://127.0.0.1:${port}`,
        `socks5://127.0.0.1:${port}`,
        "socks5h://nowhere.invalid:1",
      ];
      for (const url of proxies) {
        await using session = sessionVia(url, stage);

        blames(await failureOf(session.get(`https://${stage.authority}/`)), "unreachable");
      }
      assert.equal(stage.origin.connections, 0);
    });
  });
});

const lockedOut: Readonly<
  Record<string, (stage: Stage) => Promise<{ url: string; proxy: FaultOrigin | SocksProxy }>>
> = {
  "407 to CONNECT": async ({ authority }) => {
    const proxy = await faultOrigin({ routes: { [authority]: respond(407) } });
    return { url: proxy.url, proxy };
  },
  "a no in SOCKS5": async () => {
    const proxy = await socksProxy({ credentials });
    return { url: `socks5h://eve:x@${proxy.host}`, proxy };
  },
};
for (const [name, start] of Object.entries(lockedOut)) {
  test(`${name} receives one request, however many retries there are`, async () => {
    await withOrigin(async (stage) => {
      const { url, proxy } = await start(stage);
      await using _ = proxy;
      await using session = sessionVia(url, stage, { retry: new Retry({ total: 5, backoffFactor: "1ms" }) });

      const failure = await failureOf(session.get(`https://${stage.authority}/`));

      blames(failure, "auth", url.startsWith("http") ? 407 : undefined);
      assert.deepEqual([proxy.connections, stage.origin.connections], [1, 0]);
    });
  });
}
