import { Retry, Session } from "@holdfast/http";
import { settledHeap } from "./heap.ts";

const clients = 64;

/**
 * Visits `count` hosts once, each an address of loopback. Prints the bytes of heap that they have added to those after the
 * first hosts: when the last connection has closed, and after the session was closed.
 */
async function main(path: string, port: string, count: number): Promise<void> {
  const session = new Session({ retry: new Retry({ total: 0 }), trustEnvironment: false });
  const visit = async (from: number, to: number): Promise<void> => {
    let next = from;
    const client = async (): Promise<void> => {
      while (next < to) {
        const url = `http://${addressOf(next)}:${port}${path}`;
        next += 1;
        await session.get(url).catch((error: unknown) => {
          if (path !== "/refused") throw error;
        });
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
  };
  // Enough for the code to be compiled.
  await visit(0, 500);
  const before = await settledHeap();
  await visit(500, 500 + count);
  // Idle connections close after four seconds.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const idle = (await settledHeap()) - before;
  await session.close();
  const closed = (await settledHeap()) - before;
  console.log(JSON.stringify({ idle, closed }));
  process.exit(0);
}

function addressOf(index: number): string {
  return `127.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}

const [path = "/", port = "", count = ""] = process.argv.slice(2);
await main(path, port, Number(count));
