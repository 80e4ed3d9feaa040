async function fetchPage(page: number): Promise<number> {
  return page;
}

// #region rate-limit
import { rateLimit } from "holdfast/policy";

const limited = rateLimit({ limit: 100, per: "1s", burst: 2 });
const startedAt = performance.now();

const pages = await Promise.all([1, 2, 3, 4, 5].map((page) => limited.execute(() => fetchPage(page))));
// #endregion

console.log(`${pages.length} pages, evenly spaced: ${performance.now() - startedAt >= 29}`);
