import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Declared, type Entry, listedEntries, listExports, readExports } from "./public-surface.ts";

/*
 * Writes the two pages of the reference that list everything: all exported names, and all fields of the types of options.
 * Their texts are the doc comments of the built declarations.
 */
const reference = join(import.meta.dirname, "../docs/reference");

const namesIntroduction = `# All exported names

Every name that a package exports, with the first sentence of its description. [All options](options.md) lists the fields of the
types of options. The other pages of the reference explain each part with examples.

\`npm run exports\` writes this page.
`;

const optionsIntroduction = `# All options

Every type of options with its fields, from the descriptions in the source. A \`?\` marks a field that may be missing. The other pages
of the reference explain each part with examples, and [All exported names](names.md) lists every function, class and type.

\`npm run exports\` writes this page.
`;

/** A page of docs/reference with the text that the current build gives it. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** A row of a table of the two pages. An empty meaning is a missing doc comment. */
export interface Row {
  readonly name: string;
  readonly meaning: string;
  readonly text: string;
}

/** Returns both pages for the current build. */
export function pagesOfTypes(): readonly Page[] {
  return [
    { path: join(reference, "names.md"), text: writePage(namesIntroduction, writeNames) },
    { path: join(reference, "options.md"), text: writePage(optionsIntroduction, writeOptions) },
  ];
}

/** Lists the rows of both pages. */
export function rowsOfTypes(): readonly Row[] {
  return describedEntries().flatMap((entry) => [
    ...nameRows(entry),
    ...optionTypes(entry).flatMap(([, declared]) => fieldRows(declared)),
  ]);
}

/** Lists the entries with names of their own: the package `holdfast` repeats names of the others. */
function describedEntries(): readonly Entry[] {
  return listedEntries().filter(({ specifier }) => specifier !== "holdfast");
}

function writePage(introduction: string, write: (entry: Entry) => string): string {
  const sections = describedEntries().map((entry) => {
    const text = write(entry);
    return text === "" ? "" : `\n## \`${entry.specifier}\`\n${text}`;
  });
  return `${introduction}${sections.join("")}`;
}

function writeNames(entry: Entry): string {
  const rows = nameRows(entry).map(({ text }) => text);
  if (rows.length === 0) return "";
  return `\n| name | kind | meaning |\n|---|---|---|\n${rows.join("")}`;
}

function nameRows(entry: Entry): readonly Row[] {
  const declarations = readExports(entry.file);
  return listExports(entry).map((line) => {
    const [kind = "", name = ""] = line.split(" ");
    const declared = declarations.get(name);
    const meaning = declared === undefined ? "" : firstSentence(commentOf(declared));
    return { name, meaning, text: `| \`${name}\` | ${kind} | ${escapeCell(meaning)} |\n` };
  });
}

function writeOptions(entry: Entry): string {
  return optionTypes(entry)
    .map(([name, declared]) => {
      const { extended } = bodyOf(declared);
      const rows = fieldRows(declared).map(({ text }) => text);
      const also = extended === "" ? "" : ` Also the fields of \`${extended}\`.`;
      return `\n### ${name}\n\n${firstSentence(commentOf(declared))}.${also}\n\n| field | type | default | meaning |\n|---|---|---|---|\n${rows.join("")}`;
    })
    .join("");
}

function optionTypes(entry: Entry): readonly (readonly [string, Declared])[] {
  return [...readExports(entry.file)]
    .filter(
      ([name, declared]) =>
        /^FallbackTo|(?:Options|Init|Hooks|Entry)$/.test(name) && fieldRows(declared).length > 0,
    )
    .toSorted(([first], [second]) => (first < second ? -1 : 1));
}

function fieldRows(declared: Declared): readonly Row[] {
  const member =
    /^ {4}(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?(?:readonly )?(\w+)(\??)(?::|(?=\())([\s\S]*?);\n(?! {4}(?: |\}))/gm;
  return [...bodyOf(declared).body.matchAll(member)].map(
    ([, comment = "", field = "", optional = "", type = ""]) => {
      const name = `${declared.name}.${field}`;
      const [meaning = "", value = ""] = plainText(comment).split(/\s*@default /);
      const cells = [
        `\`${field}${optional}\``,
        `\`${escapeCell(onOneLine(type.replaceAll(/\/\*\*.*?\*\//g, "")).replace(/ \| undefined$/, ""))}\``,
        escapeCell(value),
        escapeCell(meaning),
      ];
      return { name, meaning, text: `| ${cells.join(" | ")} |\n` };
    },
  );
}

function bodyOf({ file, name }: Declared): { readonly extended: string; readonly body: string } {
  const source = readFileSync(file, "utf8");
  const pattern = new RegExp(
    String.raw`^(?:export )?(?:declare )?interface ${name}\b(?:<[^{]*?>)?(?: extends ([^{]*?))? \{\n([\s\S]*?)^\}`,
    "m",
  );
  const [, extended = "", body = ""] = pattern.exec(source) ?? [];
  return { extended, body };
}

function commentOf({ file, name }: Declared): string {
  const pattern = new RegExp(
    String.raw`/\*\*((?:(?!\*/)[\s\S])*)\*/\s*(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class|function|const) ${name}\b`,
  );
  return plainText(pattern.exec(readFileSync(file, "utf8"))?.[1] ?? "");
}

/** Returns the text of a doc comment on one line, up to its second paragraph. */
function plainText(comment: string): string {
  const [paragraph = ""] = comment.replaceAll(/^\s*\*(?: |$)/gm, "").split(/\n\s*\n|@(?!default|link)\w+ /);
  return onOneLine(paragraph.replaceAll(/\{@link (\w+)[^}]*\}/g, "`$1`"));
}

function firstSentence(text: string): string {
  const [sentence = ""] = text.split(/(?<=[.:]) (?=[A-Z`])|\s*@default /);
  return sentence.replace(/[.:]$/, "");
}

function onOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

function escapeCell(text: string): string {
  return text.replaceAll("|", String.raw`\|`);
}

if (import.meta.main) for (const { path, text } of pagesOfTypes()) writeFileSync(path, text);
