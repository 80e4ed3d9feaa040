import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** The parts of llhttp's interface that this binding uses. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  _initialize(): void;
  llhttp_alloc(type: number): number;
  llhttp_reset(parser: number): void;
  llhttp_execute(parser: number, bytes: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_get_error_pos(parser: number): number;
  malloc(length: number): number;
}

type Callback = (...values: number[]) => number;

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: Readonly<Record<string, Callback>> },
  ) => { readonly exports: Exports };
}

/** A response as llhttp read it. */
export interface LlhttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
  /** Whether the connection may carry another request. */
  readonly keepAlive: boolean;
  /** Whether the end of the response was found. */
  readonly isComplete: boolean;
  /** Whether llhttp refused the bytes. */
  readonly isRefused: boolean;
  /** Position of the first byte that was not read. */
  readonly end: number;
}

const responseType = 2;
const paused = 21;
const pausedUpgrade = 22;
const bufferBytes = 512 * 1024;

const { parseHeaders } = require("undici/lib/core/util.js") as {
  parseHeaders(headers: readonly Buffer[]): Record<string, string | string[]>;
};
const wasm = require("undici/lib/llhttp/llhttp_simd-wasm.js") as Uint8Array;

let source: Buffer = Buffer.alloc(0);
let headers: Buffer[] = [];
let pieces: Buffer[] = [];
let fields: Record<string, string | string[]> = {};
let status = 0;
let keepAlive = false;
let isComplete = false;
let isHead = false;

const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
const { exports: llhttp } = new Instance(new Module(wasm), {
  env: {
    wasm_on_url: () => 0,
    wasm_on_status: () => 0,
    wasm_on_message_begin: () => 0,
    wasm_on_header_field: (_parser, at = 0, length = 0) => addHeaderPart(at, length, 0),
    wasm_on_header_value: (_parser, at = 0, length = 0) => addHeaderPart(at, length, 1),
    wasm_on_headers_complete: completeHead,
    wasm_on_body: (_parser, at = 0, length = 0) => {
      pieces.push(part(at, length));
      return 0;
    },
    wasm_on_message_complete: () => {
      // Responses with an interim status are followed by another one.
      if (status < 200) return 0;
      isComplete = true;
      return paused;
    },
  },
});
llhttp._initialize();
const input = llhttp.malloc(bufferBytes);
const parser = llhttp.llhttp_alloc(responseType);

function part(at: number, length: number): Buffer {
  return source.subarray(at - input, at - input + length);
}

/** Adds a part of a name or a value. llhttp reports both in any number of parts. */
function addHeaderPart(at: number, length: number, parity: 0 | 1): number {
  const isNext = headers.length % 2 === parity;
  const bytes = part(at, length);
  if (isNext) headers.push(bytes);
  else headers.push(Buffer.concat([headers.pop() ?? bytes, bytes]));
  return 0;
}

function completeHead(...[, code = 0, , shouldKeepAlive]: number[]): number {
  status = code;
  keepAlive = shouldKeepAlive === 1;
  fields = parseHeaders(headers);
  headers = [];
  return isHead ? 1 : 0;
}

/** Parses one response with llhttp, strictly, as undici does. `isClosed` ends the input, which completes some bodies. */
export function parseWithLlhttp(
  bytes: Buffer,
  { method = "GET", isClosed = false }: { readonly method?: string; readonly isClosed?: boolean } = {},
): LlhttpResponse {
  [source, headers, pieces, fields, status, keepAlive] = [bytes, [], [], {}, 0, false];
  [isComplete, isHead] = [false, method === "HEAD"];
  llhttp.llhttp_reset(parser);
  new Uint8Array(llhttp.memory.buffer, input, bytes.length).set(bytes);
  const code = llhttp.llhttp_execute(parser, input, bytes.length);
  const end = code === 0 ? bytes.length : llhttp.llhttp_get_error_pos(parser) - input;
  const isRefused = code !== 0 && code !== paused && code !== pausedUpgrade;
  if (isClosed && code === 0) llhttp.llhttp_finish(parser);
  return { status, headers: fields, body: Buffer.concat(pieces), keepAlive, isComplete, isRefused, end };
}
