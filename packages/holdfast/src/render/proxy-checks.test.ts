import assert from "node:assert/strict";
import { test } from "node:test";
import { renderProxyChecks } from "./proxy-checks.ts";

test("the table shows whether a proxy works, its protocol, its exit address and the failure", () => {
  const text = renderProxyChecks({
    proxies: [
      { proxy: "http://10.0.0.1:8080", works: true, kind: "http", exit: "203.0.113.9", latency: 120.4 },
      { proxy: "socks5://10.0.0.2:1080", works: true, kind: "socks5", latency: 1_234 },
      {
        proxy: "http://10.0.0.3:1",
        works: false,
        kind: "http",
        latency: 9,
        status: 403,
        failure: { reason: "http-403", fault: "origin", message: "The site responded with 403" },
      },
      {
        proxy: "http://10.0.0.4:1",
        works: false,
        failure: { reason: "unreachable", fault: "proxy", message: "Cannot reach\u001b[2J it" },
      },
    ],
    faults: ["proxies.txt:7: the port is missing"],
  });

  assert.equal(
    text,
    `proxy                   works  protocol  exit           time  failure
http://10.0.0.1:8080    yes    http      203.0.113.9  120 ms
socks5://10.0.0.2:1080  yes    socks5    unknown       1.2 s
http://10.0.0.3:1       no     http      -              9 ms  http-403, the site's fault: The site responded with 403
http://10.0.0.4:1       no     unknown   -                 -  unreachable, the proxy's fault: Cannot reach\\u{1b}[2J it
proxies.txt:7: the port is missing

2 of 5 work
`,
  );
});
