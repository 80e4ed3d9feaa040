import { Session } from "@holdfast/http";

/** Sends one request. Prints whether node:http2 was loaded for it. */
const [url = "", how] = process.argv.slice(2);
await using session = new Session({ http2: how === "http2", tls: { rejectUnauthorized: false } });
const { status } = await session.get(url);
const { moduleLoadList } = process as typeof process & { readonly moduleLoadList: readonly string[] };
process.stdout.write(`${status} ${moduleLoadList.includes("NativeModule http2")}\n`);
