import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { InputLine } from "@holdfast/runner";
import { UsageError } from "./usage-error.ts";

/** Where the lines of a run come from; `rest` is a run that only goes on with what its directory holds. */
export type Source =
  | { readonly from: "file"; readonly path: string }
  | { readonly from: "stdin" }
  | { readonly from: "urls"; readonly urls: readonly string[] }
  | { readonly from: "rest" };

/**
 * Decides from the command line where the lines come from: URLs, one file, or standard input.
 *
 * @throws UsageError when files and URLs are mixed (their line numbers would be ambiguous), or there is more than one file.
 */
export function sourceOf(positionals: readonly string[], stdinIsTerminal: boolean): Source {
  const [first, ...more] = positionals;
  if (first === undefined) return stdinIsTerminal ? { from: "rest" } : { from: "stdin" };
  const urls = positionals.filter(looksLikeUrl);
  if (urls.length === positionals.length) return { from: "urls", urls };
  if (more.length > 0) throw new UsageError(`give one list (a file, or - for standard input) or some URLs, got ${positionals.map((text) => JSON.stringify(text)).join(" and ")}`);
  return first === "-" ? { from: "stdin" } : { from: "file", path: first };
}

function looksLikeUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/**
 * Checks that the file of a list can be read, so that a misspelt name ends before anything is created.
 *
 * @throws UsageError that says what is wrong with the file.
 */
export async function checkReadable(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`);
  });
  if (found.isDirectory()) throw new UsageError(`cannot read ${path}: it is a directory`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return String(error);
  return error.code === "ENOENT" ? "no such file" : error.code === "EACCES" ? "permission denied" : error.message;
}

/** Opens a source as numbered lines; the first line is 1. */
export function linesOf(source: Exclude<Source, { from: "rest" }>, stdin: AsyncIterable<Uint8Array | string>): AsyncIterable<InputLine> | Iterable<InputLine> {
  switch (source.from) {
    case "file":
      return splitLines(createReadStream(source.path));
    case "stdin":
      return splitLines(stdin);
    case "urls":
      return source.urls.map((text, index) => ({ line: index + 1, text }));
  }
}

/** Splits UTF-8 bytes into numbered lines that end in LF or CRLF; a byte order mark is dropped, an empty last line is none. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<InputLine> {
  const decoder = new TextDecoder();
  let line = 0;
  let rest = "";
  for await (const chunk of chunks) {
    const pieces = (typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true })).split("\n");
    pieces[0] = rest + (pieces[0] ?? "");
    rest = pieces.pop() ?? "";
    for (const text of pieces) yield { line: ++line, text: withoutReturn(text) };
  }
  rest += decoder.decode();
  if (rest !== "") yield { line: ++line, text: withoutReturn(rest) };
}

function withoutReturn(text: string): string {
  return text.endsWith("\r") ? text.slice(0, -1) : text;
}
