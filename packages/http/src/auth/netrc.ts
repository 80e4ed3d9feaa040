import { stripRootDot } from "@holdfast/policy/internal";
import type { HttpRequest } from "../model/request.ts";
import { basicAuth, type Credentials } from "./auth.ts";

/** User and password for a host. */
interface Entry {
  /** In lower case; undefined for the entry `default`. */
  readonly machine: string | undefined;
  readonly login: string;
  readonly password: string;
}

/** The passwords of a netrc file. */
export class Netrc {
  readonly #path: string | true;
  #entries: Promise<readonly Entry[]> | undefined;

  /** @param path a file that must exist; `true` reads the file that NETRC names, or `.netrc` (`_netrc`) in the home folder if it exists. */
  constructor(path: string | true) {
    this.#path = path;
  }

  /** Returns the credentials of the entry for the host of a request, otherwise those of `default`. Reads the file once. */
  async credentials(request: HttpRequest): Promise<Credentials | undefined> {
    this.#entries ??= readNetrc(this.#path);
    const entry = findEntry(await this.#entries, stripRootDot(request.url.hostname));
    return entry === undefined ? undefined : basicAuth(entry.login, entry.password)(request);
  }
}

function findEntry(entries: readonly Entry[], host: string): Entry | undefined {
  return (
    entries.find(({ machine }) => machine === host) ?? entries.find(({ machine }) => machine === undefined)
  );
}

/**
 * Reads the entries of a netrc file, `true` for that of the user.
 *
 * @throws TypeError for a file that cannot be read or understood. The message has its path, and quotes no value.
 */
export async function readNetrc(path: string | true): Promise<readonly Entry[]> {
  const { NETRC: named } = process.env;
  const given = path !== true ? path : named === "" ? undefined : named;
  if (given !== undefined) return parseNetrc(await read(given), given);
  const [{ existsSync }, { homedir }] = await Promise.all([import("node:fs"), import("node:os")]);
  for (const name of [".netrc", "_netrc"]) {
    const file = `${homedir()}/${name}`;
    if (existsSync(file)) return parseNetrc(await read(file), file);
  }
  return [];
}

async function read(file: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new TypeError(`The netrc file ${file} cannot be read`, { cause });
  }
}

/** A word of a netrc file, and its place for messages. */
interface Word {
  readonly text: string;
  readonly place: string;
}

const fields: ReadonlySet<string> = new Set(["machine", "login", "password", "account"]);

/**
 * Reads a netrc file: entries of `machine` or `default` with `login` and `password`, in any case as in curl, values in quotation
 * marks (curl's form), macros, and comments in lines that begin with `#`.
 *
 * @throws TypeError for a word that is not known or has no value, with its line. The message quotes no value.
 */
export function parseNetrc(text: string, file: string): readonly Entry[] {
  const entries: { machine: string | undefined; login: string; password: string }[] = [];
  const words = splitWords(text, file);
  for (let word = words.next(); word.done !== true; word = words.next()) {
    const { place } = word.value;
    const name = word.value.text.toLowerCase();
    if (name === "default") entries.push({ machine: undefined, login: "", password: "" });
    else {
      if (!fields.has(name))
        throw new TypeError(`${place}: expected machine, default, login, password or account`);
      const value = words.next();
      if (value.done === true) throw new TypeError(`${place}: ${name} has no value`);
      const entry = entries.at(-1);
      if (name === "machine")
        entries.push({ machine: stripRootDot(value.value.text.toLowerCase()), login: "", password: "" });
      else if (entry === undefined) throw new TypeError(`${place}: ${name} stands before the first machine`);
      else if (name === "login" || name === "password") entry[name] = value.value.text;
    }
  }
  return entries;
}

function* splitWords(text: string, file: string): Generator<Word, void, undefined> {
  let isMacro = false;
  for (const [index, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    if (isMacro) isMacro = line.trim() !== "";
    if (isMacro || line.trimStart().startsWith("#")) continue;
    for (const [bare, quoted] of line.matchAll(/"((?:[^"\\]|\\.)*)"|\S+/g)) {
      // A macro goes on to the next blank line.
      isMacro = quoted === undefined && bare === "macdef";
      if (isMacro) break;
      yield { text: quoted === undefined ? bare : unescape(quoted), place: `${file}:${index + 1}` };
    }
  }
}

function unescape(quoted: string): string {
  const escapes = new Map([
    ["n", "\n"],
    ["r", "\r"],
    ["t", "\t"],
  ]);
  return quoted.replace(/\\(.)/g, (_, character: string) => escapes.get(character) ?? character);
}
