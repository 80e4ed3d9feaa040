import { createServer } from "node:http";

let failed = 0;

/**
 * Serves every address of loopback: `/down` is a 503, `/limited` a 429 with Retry-After, `/failed` the number of 503s so far,
 * and everything else a 200. Prints its port.
 */
const server = createServer(({ url = "" }, response) => {
  if (url === "/failed") return void response.end(String(failed));
  if (url.startsWith("/down")) failed += 1;
  const status = url.startsWith("/down") ? 503 : url.startsWith("/limited") ? 429 : 200;
  const body = `${status} `.repeat(50);
  const pause = status === 429 ? { "retry-after": "3600" } : {};
  response.writeHead(status, {
    "content-type": "text/html",
    "content-length": body.length,
    server: "bench",
    ...pause,
  });
  response.end(body);
});

server.listen(0, "0.0.0.0", () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : address);
});
