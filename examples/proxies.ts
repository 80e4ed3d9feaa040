import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faultOrigin, respond, type Reply } from "holdfast/testing";

// Four proxies for http that also play the shop: one is banned, one is rate limited, two work.
const proxy = (respondTo: (cookie: string | undefined) => Reply) =>
  faultOrigin({ routes: { "*": ({ headers }) => respondTo(headers["cookie"]?.toString()) } });
await using banned = await proxy(() => respond(403));
await using limited = await proxy(() => respond(429, { headers: { "retry-after": "60" } }));
await using good = await proxy((cookie) =>
  respond(200, { body: cookie ?? "a new visitor", headers: { "set-cookie": "visit=1" } }),
);
await using expensive = await proxy(() => respond(200, { body: "welcome" }));
const [first, second, third, fourth] = [banned, limited, good, expensive].map(({ url }) => new URL(url).host);
const folder = await mkdtemp(join(tmpdir(), "holdfast-example-"));
const file = join(folder, "proxies.txt");
await writeFile(file, `# one proxy a line\n${third}:ada:love\n`);
const url = "http://shop.test/";

// #region pool
import { ProxyPool, Session } from "holdfast";

const pool = new ProxyPool([`http://${first}`, `${second}:ada:love`, `ada:love@${third}`], {
  rotation: "round-robin",
  cooldown: "30s",
  on: (event) => console.log(event.type, "proxy" in event ? event.proxy : ""),
});
await using session = new Session({ proxy: pool });

const response = await session.get(url);
for (const attempt of response.attempts) console.log(attempt.proxy, attempt.verdict.reason, attempt.decision);
// #endregion

console.log(await response.text());

// #region sources
const fromFile = new ProxyPool({ file }); // text or JSON; read again when the file changes
const fromVendor = new ProxyPool({
  fetch: () => fetchFreshOnes(),
  every: "10m",
  minAvailable: 20,
  afterCooldowns: 3,
});
const fromEnvironment = new ProxyPool({ environment: process.env }); // HOLDFAST_PROXIES, or http_proxy and so on; no_proxy applies
// #endregion

async function fetchFreshOnes(): Promise<string[]> {
  return [`${third}:ada:love`];
}
console.log((await fromFile.ready()).size, (await fromVendor.ready()).size, fromEnvironment.size >= 0);

// #region template
const residential = new ProxyPool([
  {
    url: "customer-{user}(-cc-{country})-sessid-{session:alnum8}-sesstime-{ttl:minutes}:{pass}@gateway.test:7777",
    values: { user: "ada", pass: "love" },
    session: { ttl: "10m", idle: "60s" }, // the vendor's limits; the pool replaces a session before it reaches them
  },
]);
// #endregion

const lease = await residential.lease({ url: new URL(url), country: "us" });
console.log(lease.label, new URL(lease.url).username.replace(/sessid-\w{8}/, "sessid-********"));
lease.report({ kind: "success", reason: "ok" });

// #region rotates-per-connection
const gateway = new ProxyPool([{ url: `${fourth}:ada:love`, rotatesPerConnection: true }]);
// #endregion

await using viaGateway = new Session({ proxy: gateway });
console.log(await viaGateway.get(url).text());

// #region blocked
const checked = new ProxyPool([`http://${third}`, `http://${fourth}`], {
  isBlocked: async (response) => (await response.text()).startsWith("Your plan") && "plan-expired",
});
// #endregion

await using viaChecked = new Session({ proxy: checked });
console.log(await viaChecked.get(url).text());

// #region sticky
await using visitor = new Session({
  proxy: new ProxyPool([`http://${third}`, `http://${fourth}`], { userAgents: ["Mozilla/5.0 ..."] }),
});
const account = { proxy: { identity: "account-7" } }; // or the pool option sticky: "host"
await visitor.get(url, account);
console.log(await visitor.get(url, account).text()); // same proxy, connection, cookies and user agent
// #endregion

// #region tiers
const tiered = new ProxyPool({
  tiers: [
    { name: "datacenter", proxies: [`http://${first}`], cost: { perRequest: 0.0001 } },
    { name: "residential", proxies: [`http://${fourth}`], cost: { perGb: 8 }, budget: 50 },
  ],
});
// #endregion

await using viaTiers = new Session({ proxy: tiered });
console.log(await viaTiers.get(url).text());

// #region stats
for (const { proxy: name, requests, blocks, activeCooldowns } of pool.stats().proxies)
  console.log(name, { requests, blocks, activeCooldowns });
console.log(tiered.stats().tiers);
// #endregion

await rm(folder, { recursive: true });
