import { createRequire } from "node:module";
import { Session } from "@holdfast/http";

/** Sends one request. Prints whether undici was loaded for it. */
const [url = "", how] = process.argv.slice(2);
await using session = new Session({ http2: how === "http2", tls: { rejectUnauthorized: false } });
const { status } = await session.get(url);
const { cache } = createRequire(import.meta.url);
process.stdout.write(`${status} ${Object.keys(cache).some((file) => file.includes("/undici/"))}\n`);
