import assert from "node:assert/strict";
import { test } from "node:test";
import { findAnchors, findBrokenLinks, findBrokenMentions, findLinks } from "../scripts/check-links.ts";

const targets = (markdown: string): readonly string[] => findLinks(markdown).map(({ target }) => target);

test("findLinks returns inline, reference, image and HTML links", () => {
  const markdown = [
    'See [one](a.md), [two `code`](b.md#part "Title") and ![picture](c.svg).',
    "[three]: d.md",
    '<a href="e.md"><img src="f.svg"></a> [![badge](g.svg)](h.md)',
  ].join("\n");

  assert.deepEqual(targets(markdown).toSorted(), [
    "a.md",
    "b.md#part",
    "c.svg",
    "d.md",
    "e.md",
    "f.svg",
    "g.svg",
    "h.md",
  ]);
});

test("findLinks skips code", () => {
  assert.deepEqual(targets("`[a](a.md)`\n\n```md\n[b](b.md)\n```\n\n[c](c.md)"), ["c.md"]);
  assert.deepEqual(findLinks("```\nx\n```\n[c](c.md)"), [{ line: 4, target: "c.md" }]);
});

test("findAnchors returns GitHub's anchors of headings", () => {
  const markdown = [
    "# Retry-After, or `RateLimit`?",
    "## Waits & limits",
    "## Waits & limits",
    "### [A link](x.md) in it",
    "```",
    "# not a heading",
    "```",
  ].join("\n");

  assert.deepEqual(
    [...findAnchors(markdown)],
    ["retry-after-or-ratelimit", "waits--limits", "waits--limits-1", "a-link-in-it"],
  );
});

test("findBrokenLinks reports missing files and missing headings", () => {
  const pages = new Map([
    ["README.md", "[page](docs/a/page.md#part) [gone](docs/gone.md) [here](#top)\n# Top"],
    [
      "docs/a/page.md",
      "# Part\n[up](../../README.md) [no part](page.md#other)\n[web](https://example.com/x.md)",
    ],
  ]);

  const broken = findBrokenLinks(pages, () => false);

  assert.deepEqual(broken, [
    { page: "README.md", line: 1, target: "docs/gone.md", reason: "docs/gone.md does not exist" },
    {
      page: "docs/a/page.md",
      line: 2,
      target: "page.md#other",
      reason: 'docs/a/page.md has no heading "#other"',
    },
  ]);
});

test("findBrokenMentions reports paths in comments that do not exist", () => {
  const text = "// See docs/gone.md and bench/README.md.\n// https://example.com/docs/x.md";

  const broken = findBrokenMentions("a.ts", text, (path) => path === "bench/README.md");

  assert.deepEqual(broken, [
    { page: "a.ts", line: 1, target: "docs/gone.md", reason: "docs/gone.md does not exist" },
  ]);
});
