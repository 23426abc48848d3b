// Spans by OpenTelemetry: the only home of its packages, and loaded only where tracing is on. Nothing is registered with the library's
// globals: contexts are passed by hand, so that no code of ours runs inside of another's context.
import { type Attributes, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Logger } from '@sluice/service/log'
import type { Tally } from '@sluice/service/metrics/tally'
import { parseTraceHeaders, type TraceConfig } from '../config/trace-section.ts'
import { createSpanGate } from './span-gate.ts'
import type { Span, SpanStart, SpanTarget, Tracing } from './tracing.ts'

/** Spans that may wait for the collector, those under way to it included: some megabytes. More are dropped and counted. */
const WAITING_MAX = 4096
const BATCH_SPANS = 512
/** How long a span waits for others to go with. */
const BATCH_WAIT_MS = 1000
/** One batch, tries included. Spans that come meanwhile wait. */
const EXPORT_WAIT_MS = 5000
const CLOSE_WAIT_MS = 1000

/** See {@link createTracing}. */
export interface OpenTelemetryOptions {
  readonly trace: TraceConfig
  readonly endpoint: string
  readonly log: Logger
  readonly counters: { readonly traceSpans: Tally }
  /** Tells this process from others in what is exported. */
  readonly gateway: string
  readonly version: string
}

/** Begins to trace; the collector need not be there. */
export function createTracing({
  trace: config,
  endpoint,
  gateway,
  version,
  log,
  counters,
}: OpenTelemetryOptions): Tracing {
  let failing = false
  const gate = createSpanGate({
    waitingMax: WAITING_MAX,
    counters,
    exporter: new OTLPTraceExporter({
      url: endpoint,
      headers: parseTraceHeaders(config.headers ?? ''),
      timeoutMillis: EXPORT_WAIT_MS,
    }),
    onExport(problem) {
      if (problem === null && failing) log.info({}, 'spans are exported again')
      if (problem !== null && !failing) log.warn({ reason: problem }, 'spans can not be exported')
      failing = problem !== null
    },
    batch: (exporter) =>
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: WAITING_MAX,
        maxExportBatchSize: BATCH_SPANS,
        scheduledDelayMillis: BATCH_WAIT_MS,
        exportTimeoutMillis: EXPORT_WAIT_MS * 2,
      }),
  })
  const provider = new TracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.name': config.serviceName,
        'service.version': version,
        'service.instance.id': gateway,
      }),
    ),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.sampleRatio) }),
    spanProcessors: [gate],
  })
  const tracer = provider.getTracer('sluice-gateway', version)
  return {
    get waiting() {
      return gate.waiting
    },
    begin(start, parent) {
      if (parent !== undefined && !isSampled(parent)) return null
      const context = parent === undefined ? ROOT_CONTEXT : contextOf(parent)
      const span = tracer.startSpan(start.kind, { kind: KINDS[start.kind] }, context)
      if (!span.isRecording()) return null
      // After the choice, as most are not chosen.
      span.setAttributes(attributesOf(start))
      const { traceId, spanId } = span.spanContext()
      return {
        traceparent: `00-${traceId}-${spanId}-01`,
        end(error, offset) {
          if (offset !== undefined) span.setAttribute('sluice.offset', offset)
          if (error !== null) span.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR })
          span.end()
        },
      } satisfies Span
    },
    async close() {
      // A collector that is away must not hold the process up, nor its refusal end it.
      const flushed = provider.shutdown().catch(() => undefined)
      let timer: NodeJS.Timeout | undefined
      await Promise.race([flushed, new Promise((resolve) => (timer = setTimeout(resolve, CLOSE_WAIT_MS)))])
      clearTimeout(timer)
      if (gate.waiting > 0) log.warn({ spans: gate.waiting }, 'spans were not exported before the end')
    },
  }
}

function isSampled(parent: string): boolean {
  return (Number.parseInt(parent.slice(53), 16) & TraceFlags.SAMPLED) !== 0
}

/** A context of the form that proto has checked: version, trace, span, flags. */
function contextOf(parent: string) {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: parent.slice(3, 35),
    spanId: parent.slice(36, 52),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  })
}

const KINDS = { publish: SpanKind.PRODUCER, 'fan-out': SpanKind.CONSUMER, call: SpanKind.CLIENT } as const

/** Names that are not ours are those of the conventions for messaging and calls. */
function attributesOf(start: SpanStart): Attributes {
  switch (start.kind) {
    case 'publish':
      return { ...messaging('send', start), 'sluice.stored': start.stored }
    case 'fan-out':
      return {
        ...messaging('process', start),
        'sluice.members': start.members,
        'sluice.stored': start.offset !== null,
        ...(start.offset === null ? {} : { 'sluice.offset': start.offset }),
      }
    case 'call':
      return { 'rpc.system': 'sluice', 'rpc.method': start.method }
  }
}

function messaging(operation: string, { target, namespace }: SpanTarget): Attributes {
  return {
    'messaging.system': 'nats',
    'messaging.operation.type': operation,
    'sluice.target': target,
    ...(namespace === undefined ? {} : { 'sluice.namespace': namespace }),
  }
}
