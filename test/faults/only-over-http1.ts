/** Tests that cannot exist over HTTP/2, with the reason. */
interface OnlyOverHttp1 {
  readonly reason: string;
  readonly tests: readonly string[];
}

/** The tests that run over HTTP/1.1 only, by file. */
export const onlyOverHttp1: Readonly<Record<string, readonly OnlyOverHttp1[]>> = {
  headers: [
    {
      reason:
        "nghttp2 reads no field above 64 KiB, and no head of more than nine frames of 16 KiB. The next test has a smaller head.",
      tests: ["headers: a head of 200 KiB is read"],
    },
    {
      reason:
        "The reply is HTTP/1.1 syntax: status lines, white space, framing fields, versions. The same faults as frames are in http2-frames and http2-floods.",
      tests: [
        "headers.half-head-then-fin",
        "headers: FIN after a Content-Length, in the middle of the head",
        "headers.slow-drip",
        "headers: the bytes of a dripping head do not extend the read limit",
        "headers.endless",
        "headers: one endless field",
        "headers: an endless reason phrase",
        "headers: a 100 Continue without fields, and another in pieces",
        "headers.cl-conflict",
        "headers.cl-repeated-same",
        "headers: the same Content-Length twice",
        "headers.cl-invalid",
        "headers: a negative Content-Length",
        "headers: a Content-Length of more than 64 bits",
        "headers: an empty Content-Length",
        "headers.te-and-cl",
        "headers: a Transfer-Encoding and a longer Content-Length",
        "headers: the Transfer-Encoding is not chunked",
        "headers: a Transfer-Encoding whose last coding is not chunked",
        "headers.http10-close-delimited",
        "headers: a HEAD whose response has a body",
        "headers: a 204 with a body",
        "headers: a 304 with a Content-Length and no body",
        "headers: a folded field is one line",
        "headers: a folded Content-Length",
        "headers: white space before the first field",
        "headers: white space before the first field with strictHeaders",
        "headers: white space before a Content-Length that comes first",
        "headers: lines that end with LF alone",
        "headers: an empty line before the response",
        "headers: a field without a colon",
        "headers: a field without a name",
        "headers: white space before the colon",
        "headers: a bare CR in a value",
        "headers: a NUL in a value",
        "headers: a status line without a reason",
        "headers: a status that is not a number",
        "headers: another protocol",
        "headers: HTTP/0.9, a body without a head",
        "headers: an ICY status line",
        "headers: a reset after any byte of the head is a failed attempt, never a response",
        "headers: a FIN after any byte of the head is a failed attempt, never a response",
      ],
    },
    {
      reason: "HTTP/2 has no 101: Node refuses to send one (RFC 9113 §8.6).",
      tests: ["headers.101-unasked"],
    },
  ],
  body: [
    {
      reason:
        "HTTP/2 has no chunks and no body that the end of its connection completes: END_STREAM alone ends a body.",
      tests: [
        "body.truncated-chunked-detected",
        "body: a chunked body without its last chunk on a closing connection",
        "body: a chunked body without its last chunk, then a complete one",
        "body: a close-delimited body without close_notify is complete with requireCloseNotify: false",
        "body.chunked-bad-size",
        "body: a chunk size has more than 64 bits",
        "body: a huge chunk that never arrives",
        "body: a chunk longer than its size",
        "body: endless chunk extensions",
        "body: endless trailers",
        "body: a FIN at any byte of a chunked body, except after the last, is an incomplete body",
      ],
    },
    {
      reason:
        "Over HTTP/2, bytes beyond the Content-Length are an error (RFC 9113 §8.1.1). See http2-connection.",
      tests: ["body: bytes after a body of known length are dropped"],
    },
  ],
  resume: [
    {
      reason:
        "HTTP/2 has no chunks and no body that the end of its connection completes: END_STREAM alone ends a body.",
      tests: [
        "body.resume: a 416 after the last byte, without the validator",
        "body.resume: a 416 after the last byte, with the validator",
        "body.resume: a first response without a length",
        "body.resume: maxBytes applies to the joined body",
      ],
    },
  ],
  keepalive: [
    {
      reason:
        "The server acts between two requests of a connection that serves one request at a time, by HTTP/1.1 means. The same with the means of HTTP/2 is in http2-connection.",
      tests: [
        "keepalive.stale-get",
        "keepalive: reset at the first byte of the next GET, without a pause",
        "keepalive.stale-post-not-doubled",
        "keepalive: a stale connection repeats a POST that carries an idempotency key",
        "keepalive.fin-while-idle",
        "keepalive: reset while idle, then a POST",
        "keepalive.timeout-hint",
        "keepalive.unsolicited-408",
        "keepalive: an unexpected response on an idle connection is not used",
        "keepalive: max=1, then a POST",
        "keepalive: Connection: close ends the connection",
        "keepalive: requests queued for a closing connection get another one",
      ],
    },
    {
      reason:
        "The reply is HTTP/1.1 syntax: status lines, white space, framing fields, versions. The same faults as frames are in http2-frames and http2-floods.",
      tests: [
        "keepalive: a response with a second one after it is returned, and the connection is closed",
        "keepalive: a response with two kinds of framing is the last on its connection",
        "keepalive: a chunked response with trailers keeps the connection",
        "keepalive: an HTTP/1.0 connection closes without keep-alive",
        "keepalive: an HTTP/1.0 connection with keep-alive is reused",
        "keepalive: interim responses do not count as an earlier response",
        "keepalive: a head cut on a kept-alive connection is a failed attempt",
      ],
    },
  ],
  cancel: [
    {
      reason:
        "An aborted stream leaves its connection open. See http2-connection, which finds its RST_STREAM.",
      tests: [
        "cancel.during-headers: the call ends immediately with the caller's reason, and leaves nothing open",
        "cancel.in the body: the call ends immediately with the caller's reason, and leaves nothing open",
      ],
    },
    {
      reason:
        "Requests share a connection and do not wait for a free one. Their wait for a free stream is in http2-connection.",
      tests: [
        "cancel.while it waits for a connection: the call ends immediately with the caller's reason, and leaves nothing open",
        "cancel: close() while it waits for a connection ends the call, with the reason",
        "cancel: one abort ends a thousand queued calls immediately",
      ],
    },
  ],
  concurrency: [
    {
      reason: "The reset of a connection fails all requests that share it, and a third of them resets it.",
      tests: [
        "concurrency: every one of 200 GETs succeeds with a server that resets one connection in three",
      ],
    },
    {
      reason: "Requests share a connection and do not wait for a free one.",
      tests: [
        "concurrency: the pool opens no more connections than allowed, and serves queued calls in order",
        "concurrency: the wait for a free connection counts for attempt and total, not for connect and read",
      ],
    },
  ],
  stream: [
    {
      reason: "HTTP/2 has no chunks: END_STREAM alone ends a body.",
      tests: ["a body closed cleanly before its end, at any byte of its framing, is incomplete"],
    },
  ],
};
