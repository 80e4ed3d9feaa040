import assert from "node:assert/strict";
import { test } from "node:test";
import { contentLength, isCodedBodyMissing, isComplete } from "./messages.ts";
import type { RawResponse } from "./messages.ts";

test("reads the length that an answer announces, and nothing out of what is no number", () => {
  const lengths = ["12", "0", undefined, "twelve", ["12", "13"]].map((length) =>
    contentLength({ "content-length": length }),
  );

  assert.deepEqual(lengths, [12, 0, undefined, undefined, undefined]);
});

interface Case {
  readonly headers: RawResponse["headers"];
  readonly status?: number;
  readonly method?: string;
  readonly lacks: boolean;
}

const gzip = { "content-encoding": "gzip" };

const cases: Readonly<Record<string, Case>> = {
  "names a coding and no length": { headers: gzip, lacks: true },
  "names no coding": { headers: {}, lacks: false },
  "announces no bytes": { headers: { ...gzip, "content-length": "0" }, lacks: false },
  "ends with a last chunk": { headers: { ...gzip, "transfer-encoding": "chunked" }, lacks: false },
  "answers HEAD": { headers: gzip, method: "HEAD", lacks: false },
  "is 204 No Content": { headers: gzip, status: 204, lacks: false },
  "is 304 Not Modified": { headers: gzip, status: 304, lacks: false },
};

for (const [title, { headers, status = 200, method = "GET", lacks }] of Object.entries(cases)) {
  test(`an answer without a byte ${lacks ? "lacks its body" : "is whole"} where it ${title}`, () => {
    assert.equal(isCodedBodyMissing({ status, headers }, method), lacks);
  });
}

test("an answer that nothing ended is whole where it has no body, or all that it announces", () => {
  const five = { status: 200, headers: { "content-length": "5" } };
  const wholes = [
    isComplete(five, "GET", 5),
    isComplete(five, "HEAD", 0),
    isComplete({ ...five, status: 304 }, "GET", 0),
    isComplete({ status: 204, headers: {} }, "GET", 0),
  ];
  const parts = [isComplete(five, "GET", 4), isComplete({ status: 200, headers: {} }, "GET", 5)];

  assert.deepEqual(
    [wholes, parts],
    [
      [true, true, true, true],
      [false, false],
    ],
  );
});
