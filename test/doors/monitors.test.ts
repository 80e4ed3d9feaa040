import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { context, propagation, SpanStatusCode, trace, type Context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { Session } from "@holdfast/http";
import { cut, faultOrigin, respond, type FaultOrigin, type Routes } from "@holdfast/http/testing";

const quick = { trustEnvironment: false, retry: { backoffFactor: 0 } } as const;

interface Traced {
  readonly origin: FaultOrigin;
  readonly session: Session;
  readonly exporter: InMemorySpanExporter;
}

/** Runs a function while OpenTelemetry's instrumentation of undici exports spans to memory. */
async function traced(routes: Routes, run: (test: Traced) => Promise<void>): Promise<void> {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  trace.setGlobalTracerProvider(tracerProvider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator({
    inject: (from: Context, carrier, setter) => {
      const span = trace.getSpanContext(from);
      if (span !== undefined) setter.set(carrier, "traceparent", `00-${span.traceId}-${span.spanId}-01`);
    },
    extract: (from: Context) => from,
    fields: () => ["traceparent"],
  });
  const instrumentation = new UndiciInstrumentation();
  instrumentation.setTracerProvider(tracerProvider);
  instrumentation.enable();
  try {
    await using origin = await faultOrigin({ routes });
    await using session = new Session(quick);
    await run({ origin, session, exporter });
  } finally {
    instrumentation.disable();
    trace.disable();
    context.disable();
    propagation.disable();
  }
}

test("OpenTelemetry sees each attempt of a session as a span, and its trace header reaches the server", async () => {
  await traced({ "/a": [respond(503), respond(200)] }, async ({ origin, session, exporter }) => {
    await session.get(`${origin.url}/a?b=c`);

    const spans = exporter.getFinishedSpans();
    assert.deepEqual(
      spans.map(({ name, attributes, status }) => [
        name,
        attributes["url.full"],
        attributes["http.response.status_code"],
        attributes["network.peer.port"],
        status.code,
      ]),
      [
        ["GET", `${origin.url}/a?b=c`, 503, origin.port, SpanStatusCode.ERROR],
        ["GET", `${origin.url}/a?b=c`, 200, origin.port, SpanStatusCode.UNSET],
      ],
    );
    assert.deepEqual(
      origin.requests.map(({ headers }) => headers["traceparent"]),
      spans.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`),
    );
  });
});

test("spans of a session are children of the span in which it was called", async () => {
  await traced({ "/a": [respond(503), respond(200)] }, async ({ origin, session, exporter }) => {
    const tracer = trace.getTracer("test");

    await tracer.startActiveSpan("job", async (span) => {
      await session.get(`${origin.url}/a`);
      span.end();
    });

    const [first, second, job] = exporter.getFinishedSpans();
    assert.equal(job?.name, "job");
    for (const span of [first, second]) {
      assert.equal(span?.parentSpanContext?.spanId, job.spanContext().spanId);
    }
  });
});

test("OpenTelemetry records the error of an attempt that failed", async () => {
  await traced(
    { "/a": [cut(respond(200, { body: "hello" }), { beforeEnd: 2 }), respond(200)] },
    async ({ origin, session, exporter }) => {
      await session.get(`${origin.url}/a`, { retry: false }).catch(() => undefined);

      const [span] = exporter.getFinishedSpans();
      assert.equal(span?.status.code, SpanStatusCode.ERROR);
      assert.equal(span.attributes["error.type"], "ERR_INCOMPLETE_BODY");
    },
  );
});

test("Node's network inspector sees the requests of a session", async () => {
  const program = fileURLToPath(new URL("programs/inspected.ts", import.meta.url));
  const flags = ["--inspect=127.0.0.1:0", "--experimental-network-inspection", "--conditions=source"];

  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program], { timeout: 60_000 });

  assert.deepEqual(JSON.parse(stdout), [
    ["Network.requestWillBeSent", "GET", "/a"],
    ["Network.responseReceived", 503, "text/plain"],
    ["Network.loadingFinished"],
    ["Network.requestWillBeSent", "GET", "/a"],
    ["Network.responseReceived", 200, "text/plain"],
    ["Network.loadingFinished"],
  ]);
});
