import assert from "node:assert/strict";
import { test } from "node:test";

// #region mock-a-session
import { Session } from "holdfast";

const session = new Session({ baseUrl: "https://api.example.com" });

async function createOrder(item: string): Promise<number> {
  const response = await session.post("/orders", { json: { item }, idempotencyKey: "auto" });
  const { id } = await response.json<{ readonly id: number }>();
  return id;
}

test("an order survives a busy server", async () => {
  using mock = await session.mock();
  mock.on(
    { method: "POST", url: "/orders", body: { item: "book" } },
    { status: 503, headers: { "retry-after": "0" } },
    { error: "reset" },
    { status: 201, json: { id: 7 } },
  );

  assert.equal(await createOrder("book"), 7);

  mock.assertDone();
});
// #endregion
