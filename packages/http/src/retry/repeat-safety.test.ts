import assert from "node:assert/strict";
import { test } from "node:test";
import { isIdempotent } from "../model/request.ts";
import { type Evidence, maySendAgain, type SafetyReason, type RepeatCandidate } from "./repeat-safety.ts";

const idempotent = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY", "get", "put"];
const others = ["POST", "PATCH", "CONNECT", "LOCK", "post"];
const kinds = ["none", "bytes", "factory", "one-shot"] as const;

const evidence: Readonly<Record<string, Evidence>> = {
  "it never arrived": { mayHaveArrived: false, mayHaveActed: false, mayBodyBeUsed: true },
  "it never arrived, its body untouched": {
    mayHaveArrived: false,
    mayHaveActed: false,
    mayBodyBeUsed: false,
  },
  "it may have arrived": { mayHaveArrived: true, mayHaveActed: true, mayBodyBeUsed: true },
  "it arrived and was not acted on": { mayHaveArrived: true, mayHaveActed: false, mayBodyBeUsed: true },
  "it may have arrived, its body untouched": {
    mayHaveArrived: true,
    mayHaveActed: true,
    mayBodyBeUsed: false,
  },
};

interface Row {
  readonly idempotent: SafetyReason;
  readonly keyed: SafetyReason;
  readonly unkeyed: SafetyReason;
}

const never: Row = { idempotent: "never-arrived", keyed: "never-arrived", unkeyed: "never-arrived" };
const refused: Row = { idempotent: "not-processed", keyed: "not-processed", unkeyed: "not-processed" };
const arrived: Row = { idempotent: "idempotent", keyed: "idempotency-key", unkeyed: "may-have-arrived" };

const refusals: ReadonlySet<SafetyReason> = new Set(["may-have-arrived", "body-not-replayable"]);

function reasonFor(
  { mayHaveArrived, mayHaveActed, mayBodyBeUsed: mayBeTouched }: Evidence,
  { method, idempotencyKey, body }: RepeatCandidate,
): SafetyReason {
  if (body.kind === "one-shot" && mayBeTouched) return "body-not-replayable";
  const row = !mayHaveArrived ? never : mayHaveActed ? arrived : refused;
  if (idempotent.includes(method)) return row.idempotent;
  return idempotencyKey === undefined ? row.unkeyed : row.keyed;
}

for (const [what, facts] of Object.entries(evidence)) {
  test(`every method and body, when ${what}`, () => {
    for (const method of [...idempotent, ...others]) {
      for (const kind of kinds) {
        for (const idempotencyKey of [undefined, "k-1"]) {
          const request: RepeatCandidate = { method, idempotencyKey, body: { kind } };

          const safety = maySendAgain(request, facts);

          const reason = reasonFor(facts, request);
          assert.deepEqual(
            safety,
            { again: !refusals.has(reason), reason },
            `${method} ${kind} ${idempotencyKey}`,
          );
        }
      }
    }
  });
}

test("isIdempotent accepts any case", () => {
  assert.deepEqual([...idempotent, ...others].filter(isIdempotent), idempotent);
});
