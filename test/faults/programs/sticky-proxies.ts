import { HttpAdapter, Retry, Session } from "@holdfast/http";

/**
 * Ten thousand sticky sessions of one SOCKS proxy that come and go, every tenth to a secure origin; says what the heap is
 * after five hundred of them and after all.
 */
const [host = "", plain = "", secure = ""] = process.argv.slice(2);
const adapter = new HttpAdapter({ tls: { rejectUnauthorized: false } });
const session = new Session({ retry: new Retry({ total: 0 }) });
session.mount("http://", adapter).mount("https://", adapter);
const atOnce = 20;

async function comeAndGo(from: number, to: number): Promise<void> {
  let next = from;
  const worker = async (): Promise<void> => {
    for (let number = next++; number < to; number = next++) {
      const proxy = `socks5h://user-session-${number}:secret@${host}`;
      await session.get(number % 10 === 0 ? secure : plain, { proxy });
      adapter.forget(proxy);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function heap(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 200));
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

await comeAndGo(0, 500);
const early = await heap();
await comeAndGo(500, 10_000);
const late = await heap();
process.stdout.write(JSON.stringify({ early, late }));
await session.close();
