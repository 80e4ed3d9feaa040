import { MalformedResponse } from "../errors/malformed-response.ts";
import {
  addField,
  forbiddenInLines,
  parseFieldName,
  parseStatusLine,
  trimBlanks,
  type HeaderFields,
  type ParsedHead,
  type StatusLine,
} from "./head.ts";

const [lineFeed, carriageReturn] = [10, 13];
// A field of a few bytes takes about a hundred in memory, as long as somebody keeps the response.
const maxNames = 2_000;
const maxValuesOfName = 1_000;
const statusLineStart = "HTTP/1.";

/** Rules of a `HeadReader`. */
export interface HeadRules {
  /** Longest head in KiB. */
  readonly maxKibibytes: number;
  /** Whether a malformed field makes the whole head malformed. Otherwise the field is left out. */
  readonly strict: boolean;
}

/**
 * Reads one head line by line, wherever its bytes are split. Each byte is examined once, and a malformed line is an error as
 * soon as it is complete.
 *
 * Lines may end with LF alone (RFC 9112 §2.2), empty lines may come first, and a folded field is one line (§5.2). A malformed
 * field that nothing depends on is left out. All of these are slips: the head is then not clean. Fields beyond 2,000 names and
 * 1,000 values of a name are left out, too.
 */
export class HeadReader {
  readonly #rules: HeadRules;
  readonly #fields: HeaderFields = {};
  #statusLine: StatusLine | undefined;
  /** The beginning of the current line. */
  #line = "";
  #size = 0;
  #isClean = true;
  /** Number of names among the fields. */
  #names = 0;
  /** The name of the latest field, which the next line may continue; undefined when that field is left out. */
  #name: string | undefined;
  #value = "";
  /** Whether the latest field is among the fields already. */
  #isStored = false;

  constructor(rules: HeadRules) {
    this.#rules = rules;
  }

  /**
   * Reads bytes from `start` to `stop`. Returns the position after the empty line that ends the head, or undefined while the
   * head is incomplete.
   *
   * @throws MalformedResponse.
   */
  read(bytes: Buffer, start: number, stop: number): number | undefined {
    let at = this.#skipEmptyLines(bytes, start, stop);
    for (let feed = findFeed(bytes, at, stop); feed !== -1; feed = findFeed(bytes, at, stop)) {
      const isEnd = this.#takeLine(this.#line + this.#decode(bytes, at, feed));
      at = feed + 1;
      this.#line = "";
      if (isEnd) return at;
    }
    const before = this.#line.length;
    this.#line += this.#decode(bytes, at, stop);
    // Checked only while the line is short, because slicing a concatenated string copies all of it.
    if (this.#statusLine === undefined && before < statusLineStart.length) this.#checkStart();
    return undefined;
  }

  /** Returns what the complete lines of an incomplete head say about the body. Undefined before the end of the status line. */
  get framing(): Pick<ParsedHead, "status" | "fields"> | undefined {
    return this.#statusLine && { status: this.#statusLine.status, fields: this.#fields };
  }

  /** Returns the head after `read` has found its end. */
  head(): ParsedHead {
    const { status, statusText, minor } = this.#statusLine ?? failStatusLine();
    return { status, statusText, minor, fields: this.#fields, size: this.#size, isClean: this.#isClean };
  }

  /** Skips the empty lines that some servers send after the body of the previous response, and a CR before the status line. */
  #skipEmptyLines(bytes: Buffer, start: number, stop: number): number {
    if (this.#statusLine !== undefined || this.#line !== "") return start;
    let at = start;
    while (at < stop && (bytes[at] === carriageReturn || bytes[at] === lineFeed)) at += 1;
    if (at > start) this.#isClean = false;
    this.#count(at - start);
    return at;
  }

  #decode(bytes: Buffer, start: number, stop: number): string {
    this.#count(stop - start);
    return bytes.toString("latin1", start, stop);
  }

  #count(length: number): void {
    this.#size += length;
    if (this.#size > this.#rules.maxKibibytes * 1_024)
      throw new MalformedResponse(`the head is larger than ${this.#rules.maxKibibytes} KiB`);
  }

  #checkStart(): void {
    if (!statusLineStart.startsWith(this.#line.slice(0, statusLineStart.length))) failStatusLine();
  }

  /** Takes a line without its LF. Returns whether it ends the head. */
  #takeLine(text: string): boolean {
    this.#count(1);
    const hasReturn = text.endsWith("\r");
    if (!hasReturn) this.#isClean = false;
    const line = hasReturn ? text.slice(0, -1) : text;
    if (this.#statusLine === undefined) this.#statusLine = this.#parseStatusLine(line);
    else if (line === "") this.#storeField();
    else if (line.startsWith(" ") || line.startsWith("\t")) this.#continueField(line);
    else this.#beginField(line);
    return line === "";
  }

  #parseStatusLine(line: string): StatusLine {
    const parsed = parseStatusLine(line) ?? failStatusLine();
    if (!this.#hasControlCharacter(line)) return parsed;
    return { ...parsed, statusText: parsed.statusText.replaceAll(controlCharacters, " ") };
  }

  #beginField(line: string): void {
    this.#storeField();
    const colon = line.indexOf(":");
    const name = colon === -1 ? undefined : parseFieldName(line.slice(0, colon));
    const hasControl = this.#hasControlCharacter(line);
    if (name === undefined || hasControl) return this.#leaveOut(colon === -1 ? line : line.slice(0, colon));
    this.#name = name;
    this.#value = trimBlanks(line, colon + 1);
    // Such a field does not continue on the next line, and may be an error already.
    this.#isStored = isFramingField(name);
    if (this.#isStored) addField(this.#fields, name, this.#value);
  }

  /** Takes a line that continues the latest field (RFC 9112 §5.2). */
  #continueField(line: string): void {
    const name = this.#name;
    const hasControl = this.#hasControlCharacter(line);
    this.#isClean = false;
    if (name === undefined) return this.#leaveOut(line);
    if (isFramingField(name)) throw new MalformedResponse(`the field ${name} continues on another line`);
    if (hasControl) return this.#leaveOut(name);
    this.#value += ` ${trimBlanks(line)}`;
  }

  #storeField(): void {
    if (this.#name !== undefined && !this.#isStored) this.#addField(this.#name, trimBlanks(this.#value));
    this.#name = undefined;
  }

  /** Adds a field, unless there are too many. A field that frames the body does not come here. */
  #addField(name: string, value: string): void {
    const before = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    if (before === undefined) this.#names += 1;
    if (this.#names > maxNames || (Array.isArray(before) && before.length >= maxValuesOfName)) return;
    addField(this.#fields, name, value);
  }

  /** Leaves out the latest field, unless the body would be misread without it. `name` is the text in place of its name. */
  #leaveOut(name: string): void {
    if (this.#rules.strict) throw new MalformedResponse("a line of the head is not a header field");
    if (describesBody(name))
      throw new MalformedResponse("a field that describes the body is not a valid header field");
    this.#isClean = false;
    this.#name = undefined;
  }

  /** Returns whether a line has a control character, and is therefore not clean. A CR or a NUL is never harmless (RFC 9110 §5.5). */
  #hasControlCharacter(line: string): boolean {
    if (!forbiddenInLines.test(line)) return false;
    if (this.#rules.strict || line.includes("\r") || line.includes("\0"))
      throw new MalformedResponse("the head contains a control character");
    this.#isClean = false;
    return true;
  }
}

// oxlint-disable-next-line no-control-regex -- The pattern looks for control characters.
const controlCharacters = /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

function failStatusLine(): never {
  throw new MalformedResponse("it does not start with a status line");
}

function isFramingField(name: string): boolean {
  return name === "content-length" || name === "transfer-encoding";
}

/**
 * Returns whether a malformed name was meant as a field without which the body would be cut, prolonged or not decoded:
 * `Transfer-Encoding : chunked`.
 */
function describesBody(name: string): boolean {
  const letters = name.replaceAll(/[^A-Za-z]/g, "");
  return /^(?:content(?:length|encoding|range)|transferencoding)/i.test(letters);
}

function findFeed(bytes: Buffer, start: number, stop: number): number {
  // A search of the whole buffer would go on behind the bytes that were read: for a byte at a time, 64 KiB for each.
  const feed = bytes.subarray(start, stop).indexOf(lineFeed);
  return feed === -1 ? -1 : start + feed;
}
