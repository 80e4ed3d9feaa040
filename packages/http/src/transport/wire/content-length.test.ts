import assert from "node:assert/strict";
import { test } from "node:test";
import { announcedLength, lacksCodedBody, lacksNothing } from "./content-length.ts";
import type { RawAnswer } from "./messages.ts";

test("reads the length that an answer announces, and nothing out of what is no number", () => {
  const lengths = ["12", "0", undefined, "twelve", ["12", "13"]].map((length) =>
    announcedLength({ "content-length": length }),
  );

  assert.deepEqual(lengths, [12, 0, undefined, undefined, undefined]);
});

interface Case {
  readonly headers: RawAnswer["headers"];
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
    assert.equal(lacksCodedBody({ status, headers }, method), lacks);
  });
}

test("an answer that nothing ended is whole where it has no body, or all that it announces", () => {
  const five = { status: 200, headers: { "content-length": "5" } };
  const wholes = [
    lacksNothing(five, "GET", 5),
    lacksNothing(five, "HEAD", 0),
    lacksNothing({ ...five, status: 304 }, "GET", 0),
    lacksNothing({ status: 204, headers: {} }, "GET", 0),
  ];
  const parts = [lacksNothing(five, "GET", 4), lacksNothing({ status: 200, headers: {} }, "GET", 5)];

  assert.deepEqual(
    [wholes, parts],
    [
      [true, true, true, true],
      [false, false],
    ],
  );
});
