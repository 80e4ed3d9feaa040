import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLinks } from "./links.ts";

const page = "https://api.test/items?page=2";

const cases: readonly (readonly [what: string, value: string | null, targets: Record<string, string>])[] = [
  ["no header", null, {}],
  [
    "the links of a page",
    '<https://api.test/items?page=3>; rel="next", <https://api.test/items?page=1>; rel=prev',
    { next: "https://api.test/items?page=3", prev: "https://api.test/items?page=1" },
  ],
  ["a relative target", "<?page=3>;rel=next", { next: "https://api.test/items?page=3" }],
  [
    "commas and semicolons in a target",
    "<?ids=1,2;x>; rel=next",
    { next: "https://api.test/items?ids=1,2;x" },
  ],
  [
    "several relations",
    '<?page=9>; rel="LAST  next"',
    { last: "https://api.test/items?page=9", next: "https://api.test/items?page=9" },
  ],
  [
    "the first of two equal relations",
    "<?a>; rel=next, <?b>; rel=next",
    { next: "https://api.test/items?a" },
  ],
  ["the first of two rel parameters", "<?a>; rel=next; rel=prev", { next: "https://api.test/items?a" }],
  [
    "a comma inside of quotation marks",
    '<?a>; title="a, <?b>; rel=last"; rel=next',
    { next: "https://api.test/items?a" },
  ],
  ["an escaped quotation mark", '<?a>; title="a \\"b\\", c"; rel=next', { next: "https://api.test/items?a" }],
  ["spaces around the equal sign", '<?a> ; rel = "next"', { next: "https://api.test/items?a" }],
  [
    "an empty parameter and a parameter without a value",
    "<?a>;; crossorigin; rel=next",
    { next: "https://api.test/items?a" },
  ],
  ["a member that is not a link", "nonsense; rel=next, <?a>; rel=next", { next: "https://api.test/items?a" }],
  [
    "a target that is not a URL",
    "<https://[>; rel=next, <?a>; rel=next",
    { next: "https://api.test/items?a" },
  ],
  [
    "a link about another document",
    '<?a>; rel=next; anchor="/other", <?b>; rel=next',
    { next: "https://api.test/items?b" },
  ],
  ["a link about this document", '<?a>; rel=next; anchor=""', { next: "https://api.test/items?a" }],
  ["a link without a relation", "<?a>; title=x", {}],
  [
    "a quotation mark without an end",
    '<?a>; rel=next, <?b>; title="x, <?c>; rel=last',
    { next: "https://api.test/items?a" },
  ],
  ["a target without an end", "<?a; rel=next", {}],
  [
    "a quotation mark and a backslash at the end",
    '<?a>; rel=next, "\\',
    { next: "https://api.test/items?a" },
  ],
];

for (const [what, value, targets] of cases) {
  test(`reads ${what}`, () => {
    const links = parseLinks(value, page);

    assert.deepEqual(
      Object.fromEntries(Object.entries(links).map(([rel, link]) => [rel, link?.url])),
      targets,
    );
  });
}

test("names of prototypes are ordinary relations and parameters", () => {
  const links = parseLinks("<?a>; rel=__proto__; __proto__=x, <?b>; rel=constructor", page);

  assert.deepEqual(Object.keys(links), ["__proto__", "constructor"]);
  assert.equal(links["toString"], undefined);
  assert.equal(links["__proto__"]?.params["__proto__"], "x");
});

test("has the parameters of a link", () => {
  const links = parseLinks('<?a>; rel="next"; Title="a \\"b\\""; results=true', page);

  assert.deepEqual({ ...links.next?.params }, { rel: "next", title: 'a "b"', results: "true" });
});

test("twenty thousand links relative to a long URL cost neither seconds nor a gigabyte", () => {
  const long = `${page}&x=${"x".repeat(60_000)}`;
  const value = Array.from({ length: 20_000 }, (_, index) => `<>;rel=a${index}`).join(",");
  const links = Object.values(parseLinks(value, long));
  const characters = links.reduce((sum, link) => sum + (link?.url.length ?? 0), 0);
  assert.ok(links.length > 10, `${links.length} links`);
  assert.ok(characters <= 1_048_576, `${characters} characters`);
});

test("the links of a usual page stay, however many preloads are in front", () => {
  const preloads = Array.from({ length: 500 }, (_, index) => `</${index}.css>;rel=preload`);
  const links = parseLinks([...preloads, "<?page=3>;rel=next"].join(", "), page);
  assert.equal(links.next?.url, "https://api.test/items?page=3");
});
