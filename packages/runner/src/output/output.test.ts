import assert from "node:assert/strict";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { makeRunDirectory } from "../testing/run-directory.ts";
import { fileName } from "./file-name.ts";
import { writeFiles } from "./files.ts";
import { toJsonl } from "./jsonl.ts";
import type { LineResult } from "../ledger/result.ts";

const done: LineResult = {
  id: 7,
  line: 9,
  method: "GET",
  url: "https://example.com/a/page.html?x=1",
  state: "done",
  reason: "ok",
  retryable: false,
  status: 200,
  attempts: 1,
  fetchedAt: 0,
  finalUrl: "https://example.com/b",
  contentType: "text/html; charset=utf-8",
  bytes: 2,
  headers: [["a", "b"]],
  body: Buffer.from("é"),
};

describe("toJsonl", () => {
  const parse = (result: LineResult, options = {}): Record<string, unknown> =>
    JSON.parse([...toJsonl([result], options)].join(""));

  it("writes one line per result, with the body as text", () => {
    const [line] = toJsonl([done]);

    assert.ok(line?.endsWith("}\n"));
    const { line: number, state, status, fetchedAt, finalUrl, headers, body } = parse(done);
    assert.deepEqual(
      { number, state, status, fetchedAt, finalUrl, headers, body },
      {
        number: 9,
        state: "done",
        status: 200,
        fetchedAt: "1970-01-01T00:00:00.000Z",
        finalUrl: "https://example.com/b",
        headers: [["a", "b"]],
        body: "é",
      },
    );
  });

  it("writes a body that is not UTF-8 as base64", () => {
    const { body, bodyBase64 } = parse({ ...done, body: Uint8Array.of(0xff, 0x00) });

    assert.deepEqual([body, bodyBase64], [undefined, "/wA="]);
  });

  it("hides secrets in URLs and headers with redact, and keeps them without", () => {
    const result: LineResult = {
      ...done,
      url: "https://ada:pw1@a.test/?api_key=KEY1",
      finalUrl: "https://a.test/?X-Amz-Signature=SIG1",
      headers: [
        ["Set-Cookie", "sid=COOKIE1"],
        ["Location", "/?token=TOKEN1"],
        ["Content-Type", "text/html"],
      ],
    };
    const [kept] = toJsonl([result]);
    const { url, finalUrl, headers, body } = parse(result, { redact: true });

    for (const secret of ["pw1", "KEY1", "SIG1", "COOKIE1", "TOKEN1"])
      assert.ok(kept?.includes(secret), secret);
    assert.deepEqual(
      { url, finalUrl, headers, body },
      {
        url: "https://***@a.test/?api_key=***",
        finalUrl: "https://a.test/?X-Amz-Signature=***",
        headers: [
          ["Set-Cookie", "***"],
          ["Location", "/?token=***"],
          ["Content-Type", "text/html"],
        ],
        body: "é",
      },
    );
  });

  it("omits a body that is too large for a line, and marks the line", () => {
    const large: LineResult = Object.defineProperty({ ...done, bytes: 3 }, "body", {
      get: () => assert.fail("The body was read"),
    });
    const omitted: unknown[] = [];

    const lines = [
      ...toJsonl([large, done], { maxBodyBytes: 2, onBodyOmitted: ({ line }) => omitted.push(line) }),
    ].map((line): Record<string, unknown> => JSON.parse(line));

    assert.deepEqual(
      lines.map(({ headers, body, bodyBytes, bodyOmitted }) => ({ headers, body, bodyBytes, bodyOmitted })),
      [
        { headers: [["a", "b"]], body: null, bodyBytes: 3, bodyOmitted: true },
        { headers: [["a", "b"]], body: "é", bodyBytes: undefined, bodyOmitted: undefined },
      ],
    );
    assert.deepEqual(omitted, [9]);
  });

  it('does not read bodies with body: "none"', () => {
    const unreadable: LineResult = Object.defineProperty({ ...done }, "body", {
      get: () => assert.fail("The body was read"),
    });

    assert.equal("body" in parse(unreadable, { body: "none" }), false);
  });
});

describe("toJsonl, for readers that split lines at other marks than LF", () => {
  it("escapes U+0085, U+2028 and U+2029 in every field", () => {
    const marks = "a\u0085b\u2028c\u2029d";
    const result: LineResult = {
      ...done,
      url: `https://example.com/${marks}`,
      reason: marks,
      headers: [[marks, marks]],
      body: Buffer.from(marks),
    };

    const [line = ""] = toJsonl([result]);

    assert.doesNotMatch(line, /[\u0085\u2028\u2029]/);
    assert.match(line, /a\\u0085b\\u2028c\\u2029d/);
    const { url, reason, headers, body } = JSON.parse(line) as Record<string, unknown>;
    assert.deepEqual(
      [url, reason, headers, body],
      [`https://example.com/${marks}`, marks, [[marks, marks]], marks],
    );
  });
});

describe("fileName", () => {
  const table: readonly (readonly [string, string | undefined, string])[] = [
    ["https://example.com/", "text/html", "example.com/000007-index.html"],
    ["https://example.com/a/page.html", "text/html", "example.com/000007-page.html"],
    [
      "https://example.com/%E0%A4%B9%E0%A4%BF%E0%A4%82",
      "text/html",
      "example.com/000007-\u0939\u093f\u0902.html",
    ],
    ["https://example.com/a/?q=x%20y", "application/json; charset=utf-8", "example.com/000007-a_q_x_y.json"],
    ["https://example.com:8080/feed", "application/unheard-of", "example.com_8080/000007-feed.bin"],
    ["https://example.com/feed", "constructor", "example.com/000007-feed.bin"],
    ["https://example.com/feed", "__proto__", "example.com/000007-feed.bin"],
    ["https://example.com/..%2f..%2fetc%2fpasswd", undefined, "example.com/000007-etc_passwd.bin"],
    [
      "https://example.com/a?x=1?2&api_key=KEY1&y=2",
      "text/html",
      "example.com/000007-a_x_1_2_api_key_y_2.html",
    ],
    ["https://ada:pw1@example.com/a;token=T1", "text/html", "example.com/000007-a_token_.html"],
    ["https://example.com/%00%ff.png", undefined, "example.com/000007-00_ff.png"],
    ["http://con/", "text/html", "host-con/000007-index.html"],
    ["http://NUL.txt/a", "text/html", "host-nul.txt/000007-a.html"],
    ["http://com1/", "text/html", "host-com1/000007-index.html"],
    ["http://lpt9.example/", "text/html", "host-lpt9.example/000007-index.html"],
    ["http://com10/console", "text/html", "com10/000007-console.html"],
    ["http://example.com./", "text/html", "example.com/000007-index.html"],
    ["http://_/", "text/html", "host/000007-index.html"],
    ["https://example.com/cafe%CC%81", "text/html", "example.com/000007-caf\u00e9.html"],
    ["https://example.com/a%E3%85%A4b%E2%80%AE", "text/html", "example.com/000007-a_b_.html"],
    ["https://example.com/a.", "text/html", "example.com/000007-a..html"],
  ];
  for (const [url, contentType, expected] of table) {
    it(`names ${url}`, () => {
      const { folder, name } = fileName({
        id: 7,
        url,
        ...(contentType === undefined ? {} : { contentType }),
      });

      assert.equal(`${folder}/${name}`, expected);
    });
  }

  it("returns a name inside the folder for any URL", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), fc.string({ unit: "binary" }), (base, rest) => {
        const url = `${base}${rest}`;
        fc.pre(URL.canParse(url));
        const { folder, name } = fileName({ id: 1, url });

        assert.match(folder, /^[^./\\][^/\\]*$/);
        assert.match(name, /^000001-[^/\\:*?"<>|]*$/);
        assert.doesNotMatch(folder, /[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i);
        assert.doesNotMatch(name, /[. ]$/);
        assert.ok(Buffer.byteLength(folder) <= 255 && folder === folder.toLowerCase(), folder);
        assert.ok(name.isWellFormed() && name === name.normalize("NFC"), name);
        assert.ok(Buffer.byteLength(name) <= 255, name);
      }),
    );
  });
});

describe("writeFiles", () => {
  it("writes the bodies of done results and replaces older files", () => {
    const directory = makeRunDirectory();
    mkdirSync(join(directory, "example.com"), { recursive: true });
    writeFileSync(join(directory, "example.com", "000007-page_x_1.html"), "older and longer");

    const written = writeFiles(
      [done, { ...done, id: 8, state: "failed" }, { ...done, id: 9, url: "https://other.example/" }],
      directory,
    );

    assert.deepEqual(written, { files: 2, bytes: 4 });
    assert.deepEqual(readdirSync(directory, { recursive: true, encoding: "utf8" }).toSorted(), [
      "example.com",
      "example.com/000007-page_x_1.html",
      "other.example",
      "other.example/000009-index.html",
    ]);
    assert.equal(readFileSync(join(directory, "example.com", "000007-page_x_1.html"), "utf8"), "é");
  });

  it("does not follow a link in the place of a file, and rejects a link in the place of a folder", () => {
    const directory = makeRunDirectory();
    const name = "000007-page_x_1.html";
    for (const folder of ["example.com", "victim"]) mkdirSync(join(directory, folder));
    const victim = join(directory, "victim", "file");
    for (const link of [symlinkSync, linkSync]) {
      writeFileSync(victim, "precious");
      rmSync(join(directory, "example.com", name), { force: true });
      link(victim, join(directory, "example.com", name));

      writeFiles([done], directory);

      assert.equal(readFileSync(victim, "utf8"), "precious");
      assert.equal(readFileSync(join(directory, "example.com", name), "utf8"), "é");
    }
    rmSync(join(directory, "example.com"), { recursive: true });
    symlinkSync(join(directory, "victim"), join(directory, "example.com"));

    assert.throws(() => writeFiles([done], directory), /example\.com cannot be written: .*symbolic link/);
    assert.deepEqual(readdirSync(join(directory, "victim")), ["file"]);
  });

  it("gives files and folders the permissions that the umask leaves", () => {
    if (process.platform === "win32") return;
    const directory = join(makeRunDirectory(), "pages");
    const before = process.umask(0o027);
    try {
      writeFiles([done], directory);
    } finally {
      process.umask(before);
    }

    const modes = [
      directory,
      join(directory, "example.com"),
      join(directory, "example.com", "000007-page_x_1.html"),
    ].map((path) => statSync(path).mode & 0o777);
    assert.deepEqual(modes, [0o750, 0o750, 0o640]);
  });
});
