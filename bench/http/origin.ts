import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nginx } from "../../test/support/nginx.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { createBody } from "./work.ts";

/** The server that all contestants send requests to. Disposing of it stops the server. */
export interface Origin extends AsyncDisposable {
  /** URL without a slash at the end. `/1k`, `/20k` and `/100k` return bodies of that size, `/flaky` a fifth of 503s, `/flaky-json` the same as JSON that cannot be parsed, `/down` 503 only. */
  readonly url: string;
}

// The small body comes from memory, so that one nginx is faster than its clients. Under /flaky, every fifth response of a
// connection is a 503, which is the same share for every contestant.
const conf = `
  access_log off;
  keepalive_requests 1000000000;
  open_file_cache max=16 inactive=1h;
  location = /1k { return 200 "${createBody(1024).toString()}"; }
  location = /flaky { if ($connection_requests ~ "[05]$") { return 503; } return 200 "${createBody(1024).toString()}"; }
  location = /flaky-json { default_type application/json; if ($connection_requests ~ "[05]$") { return 503 "down"; } return 200 "${createBody(1024).toString()}"; }
  location = /down { return 503; }
`;

/** Starts an nginx on loopback. */
export async function startOrigin(): Promise<Origin> {
  const files = await temporaryDirectory("bench");
  for (const kilobytes of [20, 100]) {
    await writeFile(join(files.path, `${kilobytes}k`), createBody(kilobytes * 1024));
  }
  const server = await nginx({ root: files.path, conf });
  return {
    url: server.url,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}
