import { setTimeout as sleep } from "node:timers/promises";

let running = 0;
let most = 0;
async function resize(_image: number): Promise<void> {
  running += 1;
  most = Math.max(most, running);
  await sleep(10);
  running -= 1;
}

// #region bulkhead
import { bulkhead, BulkheadFullError } from "holdfast/policy";

const resizing = bulkhead({ concurrency: 4, queue: 10 });
const images = Array.from({ length: 20 }, (_, image) => image);

const results = await Promise.allSettled(images.map((image) => resizing.execute(() => resize(image))));
// #endregion

const refused = results.filter(
  (result) => result.status === "rejected" && result.reason instanceof BulkheadFullError,
);
console.log(`at most ${most} at once, ${refused.length} refused`);
