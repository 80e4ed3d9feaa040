import { redact } from "@holdfast/policy";
import { ownValue } from "@holdfast/policy/internal";
import type { LineResult } from "../ledger/result.ts";

/** A folder and a file name that are valid on every common file system. */
export interface FileName {
  readonly folder: string;
  readonly name: string;
}

// In characters. With the longest UTF-8 encoding, the number and the extension, a name is below 255 bytes, the limit of file systems.
const maxStemLength = 76;

const extensions: Readonly<Record<string, string>> = {
  "text/html": ".html",
  "application/xhtml+xml": ".html",
  "application/json": ".json",
  "text/plain": ".txt",
  "text/css": ".css",
  "text/csv": ".csv",
  "text/javascript": ".js",
  "application/javascript": ".js",
  "text/xml": ".xml",
  "application/xml": ".xml",
  "application/rss+xml": ".xml",
  "application/pdf": ".pdf",
  "image/jpeg": ".jpg",
  "image/png": ".png",
  "image/gif": ".gif",
  "image/webp": ".webp",
  "image/svg+xml": ".svg",
};

/**
 * Returns the file name of a result. The folder is the host; the name consists of the row number, the end of the path and an
 * extension. Characters of the URL other than letters, digits, dots, hyphens and underscores become underscores, and no
 * folder begins with a dot, so that no URL can reach outside its folder.
 */
export function fileName({ id, url, contentType }: Pick<LineResult, "id" | "url" | "contentType">): FileName {
  const { host, pathname, search } = new URL(url);
  // Names of files are listed, logged and backed up.
  const shown = redact(pathname + search);
  const [path = ""] = shown.split("?", 1);
  const last = path.split("/").findLast((part) => part !== "") ?? "index";
  const extension = /\.[A-Za-z0-9]{1,5}$/.exec(last)?.[0] ?? extensionFor(contentType);
  const stem = last.endsWith(extension) ? last.slice(0, last.length - extension.length) : last;
  return {
    folder: sanitize(host),
    name: `${String(id).padStart(6, "0")}-${sanitize(stem + shown.slice(path.length)).slice(0, maxStemLength)}${extension}`,
  };
}

function extensionFor(contentType = ""): string {
  return ownValue(extensions, contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "") ?? ".bin";
}

function sanitize(text: string): string {
  return decodePercent(text)
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, "_")
    .replace(/^[._]+/, "");
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
