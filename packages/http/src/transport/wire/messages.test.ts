import assert from "node:assert/strict";
import { test } from "node:test";
import { contentLength, isCodedBodyMissing, isComplete } from "./messages.ts";
import type { RawResponse } from "./messages.ts";

test("reads a numeric Content-Length and ignores any other", () => {
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
  "has a content coding and no length": { headers: gzip, lacks: true },
  "has no content coding": { headers: {}, lacks: false },
  "has a Content-Length of 0": { headers: { ...gzip, "content-length": "0" }, lacks: false },
  "is chunked": { headers: { ...gzip, "transfer-encoding": "chunked" }, lacks: false },
  "responds to HEAD": { headers: gzip, method: "HEAD", lacks: false },
  "is 204 No Content": { headers: gzip, status: 204, lacks: false },
  "is 304 Not Modified": { headers: gzip, status: 304, lacks: false },
};

for (const [title, { headers, status = 200, method = "GET", lacks }] of Object.entries(cases)) {
  test(`a response without body bytes is ${lacks ? "incomplete" : "complete"} when it ${title}`, () => {
    assert.equal(isCodedBodyMissing({ status, headers }, { method }), lacks);
  });
}

test("an empty body is complete for a caller that decodes it", () => {
  const isMissing = isCodedBodyMissing({ status: 200, headers: gzip }, { method: "GET", passesCoded: true });

  assert.equal(isMissing, false);
});

test("a response without an end signal is complete when it has no body or all bytes of its Content-Length", () => {
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
