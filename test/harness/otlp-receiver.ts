// A collector of traces as operators have one: takes OTLP over HTTP and reads the spans from its protobuf, with a reader that is not the
// exporter's. It can be away, silent, or refuse.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { PbfReader } from 'pbf'
import { startOutageServer } from './outage-server.ts'

/** A span as it was received; ids are hex. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty for the first of a trace. */
  readonly parentSpanId: string
  readonly name: string
  readonly kind: keyof typeof KINDS | undefined
  readonly attributes: Readonly<Record<string, unknown>>
  readonly failed: boolean
  /** Nanoseconds, to a double's precision. */
  readonly start: number
  readonly end: number
  /** Attributes of the process that has sent it. */
  readonly resource: Readonly<Record<string, unknown>>
}

/** A collector that a test controls. */
export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string
  readonly spans: readonly ReceivedSpan[]
  /** Headers of each request. */
  readonly requests: readonly IncomingHttpHeaders[]
  /** The status of answers; 200 at first, null for no answer at all. */
  status: number | null
  /** Ends it, so that connections are refused. */
  stop(): Promise<void>
  /** Begins again at the same address. */
  start(): Promise<void>
}

/** Starts a collector. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  const requests: IncomingHttpHeaders[] = []
  async function take(request: IncomingMessage): Promise<number | null> {
    const body = await buffer(request)
    requests.push(request.headers)
    if (receiver.status !== 200) return receiver.status
    if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/x-protobuf') return 400
    spans.push(...readSpans(body))
    return 200
  }
  const server = await startOutageServer((request, response) => {
    void take(request).then((status) => {
      if (status !== null) response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${server.port}/v1/traces`,
    spans,
    requests,
    status: 200,
    start: server.start,
    stop: server.stop,
    [Symbol.asyncDispose]: server.stop,
  }
  return receiver
}

/** Kinds of spans, by their number. */
const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

type Mutable<value> = { -readonly [key in keyof value]: value[key] }
type Attributes = Record<string, unknown>

/** ExportTraceServiceRequest: the numbers are those of its fields. */
function readSpans(body: Uint8Array): ReceivedSpan[] {
  return new PbfReader(body).readFields<ReceivedSpan[]>((tag, spans, pbf) => {
    if (tag !== 1) return
    const read = pbf.readMessage(readResourceSpans, {
      resource: {} as Attributes,
      spans: [] as Mutable<ReceivedSpan>[],
    })
    for (const span of read.spans) span.resource = read.resource
    spans.push(...read.spans)
  }, [])
}

function readResourceSpans(
  tag: number,
  read: { resource: Attributes; spans: Mutable<ReceivedSpan>[] },
  pbf: PbfReader,
): void {
  if (tag === 1) pbf.readMessage((field, resource) => void (field === 1 && readAttribute(resource, pbf)), read.resource)
  if (tag === 2) pbf.readMessage((field, spans) => void (field === 2 && spans.push(readSpan(pbf))), read.spans)
}

function readSpan(pbf: PbfReader): Mutable<ReceivedSpan> {
  const attributes: Attributes = {}
  const span: Mutable<ReceivedSpan> = {
    ...{ traceId: '', spanId: '', parentSpanId: '', name: '', kind: undefined, failed: false, start: 0, end: 0 },
    attributes,
    resource: {},
  }
  return pbf.readMessage((tag, read) => {
    if (tag === 1) read.traceId = hex(pbf)
    else if (tag === 2) read.spanId = hex(pbf)
    else if (tag === 4) read.parentSpanId = hex(pbf)
    else if (tag === 5) read.name = pbf.readString()
    else if (tag === 6) read.kind = kindOf(pbf.readVarint())
    else if (tag === 7) read.start = pbf.readFixed64()
    else if (tag === 8) read.end = pbf.readFixed64()
    else if (tag === 9) readAttribute(attributes, pbf)
    else if (tag === 15) read.failed = pbf.readMessage(readStatus, { code: 0 }).code === 2
  }, span)
}

function readStatus(tag: number, status: { code: number }, pbf: PbfReader): void {
  if (tag === 3) status.code = pbf.readVarint()
}

function readAttribute(attributes: Attributes, pbf: PbfReader): void {
  const { key, value } = pbf.readMessage(
    (tag, read) => {
      if (tag === 1) read.key = pbf.readString()
      if (tag === 2) read.value = pbf.readMessage(readValue, { value: undefined as unknown }).value
    },
    { key: '', value: undefined as unknown },
  )
  attributes[key] = value
}

function readValue(tag: number, read: { value: unknown }, pbf: PbfReader): void {
  if (tag === 1) read.value = pbf.readString()
  if (tag === 2) read.value = pbf.readBoolean()
  if (tag === 3) read.value = pbf.readVarint(true)
  if (tag === 4) read.value = pbf.readDouble()
}

function kindOf(number: number): ReceivedSpan['kind'] {
  return (Object.keys(KINDS) as (keyof typeof KINDS)[]).find((name) => KINDS[name] === number)
}

function hex(pbf: PbfReader): string {
  return Buffer.from(pbf.readBytes()).toString('hex')
}
