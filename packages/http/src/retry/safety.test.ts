import assert from "node:assert/strict";
import { test } from "node:test";
import { type Evidence, isIdempotent, maySendAgain, type SafetyReason, type Sendable } from "./safety.ts";

const idempotent = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY", "get", "put"];
const others = ["POST", "PATCH", "CONNECT", "LOCK", "post"];
const kinds = ["none", "bytes", "factory", "one-shot"] as const;

const evidence: Readonly<Record<string, Evidence>> = {
  "it never arrived": { mayHaveArrived: false },
  "it never arrived, its body untouched": { mayHaveArrived: false, bodyTouched: false },
  "it may have arrived": { mayHaveArrived: true },
  "it may have arrived, and the caller allows it": { mayHaveArrived: true, allowed: true },
  "it was answered": { mayHaveArrived: true, answered: true },
  "it was answered, and the caller allows it": { mayHaveArrived: true, answered: true, allowed: true },
};

interface Row {
  readonly idempotent: SafetyReason;
  readonly keyed: SafetyReason;
  readonly unkeyed: SafetyReason;
  readonly oneShot?: SafetyReason;
}

const arrived = { idempotent: "idempotent", keyed: "idempotency-key" } as const;
const never: Row = { idempotent: "never-arrived", keyed: "never-arrived", unkeyed: "never-arrived" };

/** What is decided in each case; a one-shot body is not replayable unless the row says otherwise. */
const expected: Readonly<Record<keyof typeof evidence, Row>> = {
  "it never arrived": never,
  "it never arrived, its body untouched": { ...never, oneShot: "never-arrived" },
  "it may have arrived": { ...arrived, unkeyed: "may-have-arrived" },
  "it may have arrived, and the caller allows it": { ...arrived, unkeyed: "allowed" },
  "it was answered": { ...arrived, unkeyed: "not-idempotent" },
  "it was answered, and the caller allows it": { ...arrived, unkeyed: "allowed" },
};

const refusals: ReadonlySet<SafetyReason> = new Set(["may-have-arrived", "not-idempotent", "body-not-replayable"]);

function reasonFor(row: Row, { method, idempotencyKey, body }: Sendable): SafetyReason {
  if (body.kind === "one-shot") return row.oneShot ?? "body-not-replayable";
  if (idempotent.includes(method)) return row.idempotent;
  return idempotencyKey === undefined ? row.unkeyed : row.keyed;
}

for (const [what, facts] of Object.entries(evidence)) {
  test(`every method and body, when ${what}`, () => {
    const row = expected[what];
    assert.ok(row !== undefined);
    for (const method of [...idempotent, ...others]) {
      for (const kind of kinds) {
        for (const idempotencyKey of [undefined, "k-1"]) {
          const request: Sendable = { method, idempotencyKey, body: { kind } };

          const safety = maySendAgain(request, facts);

          const reason = reasonFor(row, request);
          assert.deepEqual(safety, { again: !refusals.has(reason), reason }, `${method} ${kind} ${idempotencyKey}`);
        }
      }
    }
  });
}

test("an answer proves that the request arrived, whatever else is claimed", () => {
  const request: Sendable = { method: "POST", body: { kind: "one-shot" } };
  const claim = { mayHaveArrived: false, bodyTouched: false, answered: true };

  assert.equal(maySendAgain(request, claim).reason, "body-not-replayable");
  assert.equal(maySendAgain({ ...request, body: { kind: "bytes" } }, claim).reason, "not-idempotent");
});

test("knows the idempotent methods in any case", () => {
  assert.deepEqual([...idempotent, ...others].filter(isIdempotent), idempotent);
});
