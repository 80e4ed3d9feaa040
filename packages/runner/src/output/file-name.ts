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
const maxFolderLength = 120;

/** A device of Windows, which takes the name before the first dot for it (https://learn.microsoft.com/windows/win32/fileio/naming-a-file). */
const windowsDevice = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

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
 * extension. Characters of the URL other than letters with their marks, digits, dots, hyphens and underscores become underscores, and no
 * folder begins with a dot, so that no URL can reach outside its folder. Names differ by their number, and not only by case
 * or normal form.
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
    folder: toFolderName(host),
    name: `${String(id).padStart(6, "0")}-${cut(sanitize(stem + shown.slice(path.length)), maxStemLength)}${extension}`,
  };
}

/**
 * Returns a folder name that Windows accepts, too: no device, also with an extension, and no dot at the end. Two hosts may
 * get one folder, because the names of their files differ.
 */
function toFolderName(host: string): string {
  const name = cut(sanitize(host).toLowerCase(), maxFolderLength).replace(/[._-]+$/, "");
  if (name === "") return "host";
  return windowsDevice.test(name) ? `host-${name}` : name;
}

/** Removes the end of a text, but not half of a character. */
function cut(text: string, maxLength: number): string {
  const kept = text.slice(0, maxLength);
  return /[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept;
}

function extensionFor(contentType = ""): string {
  return ownValue(extensions, contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "") ?? ".bin";
}

function sanitize(text: string): string {
  // One normal form, because some file systems take two forms of a name for one. Some letters are invisible.
  return decodePercent(text)
    .normalize("NFC")
    .replaceAll(/(?:[^\p{L}\p{M}\p{N}._-]|\p{Default_Ignorable_Code_Point})+/gu, "_")
    .replace(/^[._]+/, "");
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
