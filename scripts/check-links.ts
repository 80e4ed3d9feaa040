import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** A link that does not lead anywhere. */
export interface BrokenLink {
  readonly page: string;
  readonly line: number;
  readonly target: string;
  readonly reason: string;
}

interface Link {
  readonly line: number;
  readonly target: string;
}

// The end of a link is enough, and right for an image inside a link, too.
const inlineLink = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
const referenceLink = /^ {0,3}\[[^\]]+\]:\s+<?([^\s>]+)>?/gm;
const htmlLink = /<(?:a|img)\b[^>]*?\b(?:href|src)="([^"]+)"/g;

/** Returns the targets of all links in a Markdown page. Code is skipped. */
export function findLinks(markdown: string): readonly Link[] {
  const text = withoutCode(markdown);
  return [inlineLink, referenceLink, htmlLink].flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => ({
      line: text.slice(0, match.index).split("\n").length,
      target: match[1] ?? "",
    })),
  );
}

/** Returns the anchors of a Markdown page's headings, as GitHub builds them. */
export function findAnchors(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of withoutBlocks(markdown).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const anchor = toAnchor(heading);
    let unique = anchor;
    for (let number = 1; anchors.has(unique); number += 1) unique = `${anchor}-${number}`;
    anchors.add(unique);
  }
  for (const [, id = ""] of markdown.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

function toAnchor(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
}

/** Blanks code blocks, and keeps the line breaks so that line numbers stay right. */
function withoutBlocks(markdown: string): string {
  return markdown.replaceAll(/^( *)(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1\2`*$/gm, (block) =>
    block.replaceAll(/[^\n]/g, ""),
  );
}

function withoutCode(markdown: string): string {
  return withoutBlocks(markdown).replaceAll(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, (code) =>
    code.replaceAll(/[^\n]/g, " "),
  );
}

/** Checks the relative links of all pages. `pages` maps paths to texts; `exists` is asked about other files. */
export function findBrokenLinks(
  pages: ReadonlyMap<string, string>,
  exists: (path: string) => boolean,
): readonly BrokenLink[] {
  return [...pages].flatMap(([page, markdown]) =>
    findLinks(markdown).flatMap(({ line, target }) => {
      const reason = explainBrokenLink(page, target, { pages, exists });
      return reason === undefined ? [] : [{ page, line, target, reason }];
    }),
  );
}

interface Site {
  readonly pages: ReadonlyMap<string, string>;
  readonly exists: (path: string) => boolean;
}

/** Returns why a link leads nowhere, or undefined for a link that works and for one to another host. */
function explainBrokenLink(page: string, target: string, { pages, exists }: Site): string | undefined {
  if (/^[a-z][a-z\d+.-]*:|^\/\//i.test(target)) return undefined;
  const [path = "", anchor] = target.split("#", 2);
  const file = path === "" ? page : normalize(join(dirname(page), decodeURIComponent(path)));
  const text = pages.get(file);
  if (text === undefined && !exists(file)) return `${file} does not exist`;
  if (anchor === undefined || text === undefined) return undefined;
  return findAnchors(text).has(anchor) ? undefined : `${file} has no heading "#${anchor}"`;
}

const pathMention = /(?<![\w./:-])(?:docs|bench|examples|scripts)\/[\w./-]*\.(?:md|ts|mjs)\b/g;

/** Finds paths of this repository that a text mentions and that do not exist, for example in a comment. */
export function findBrokenMentions(
  page: string,
  text: string,
  exists: (path: string) => boolean,
): readonly BrokenLink[] {
  const mentions = text.replaceAll(inlineLink, (link) => link.replaceAll(/[^\n]/g, " "));
  return [...mentions.matchAll(pathMention)].flatMap((match) => {
    const [target] = match;
    if (exists(target)) return [];
    const line = mentions.slice(0, match.index).split("\n").length;
    return [{ page, line, target, reason: `${target} does not exist` }];
  });
}

function main(): void {
  const root = join(import.meta.dirname, "..");
  const exists = (path: string): boolean => existsSync(join(root, path));
  const readAll = (patterns: readonly string[]): ReadonlyMap<string, string> =>
    new Map(
      globSync([...patterns], { cwd: root, exclude: ["**/node_modules/**"] })
        .toSorted()
        .map((path) => [path, readFileSync(join(root, path), "utf8")]),
    );
  const pages = readAll(["*.md", "docs/**/*.md", "packages/*/README.md", "bench/*.md"]);
  const sources = readAll(["packages/*/src/**/*.ts", "bench/**/*.ts", "examples/**/*.ts", "test/support/*"]);
  const broken = [
    ...findBrokenLinks(pages, exists),
    ...[...pages, ...sources].flatMap(([page, text]) => findBrokenMentions(page, text, exists)),
  ];
  for (const { page, line, target, reason } of broken)
    console.error(`${page}:${line}: broken link ${target}: ${reason}`);
  console.log(`${pages.size} pages, ${broken.length} broken links`);
  if (broken.length > 0 || pages.size === 0) process.exitCode = 1;
}

if (import.meta.main) main();
