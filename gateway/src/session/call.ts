// `call`: a client's question to a service, with who asks in headers that the gateway alone writes. Each has a lane of its own, so a
// slow service delays nothing else of the connection. Steps 2 and 3 of the message path.
import {
  CALL_WAIT_MS,
  CALL_WAIT_MS_MAX,
  type ClientFrameOf,
  CONTENT_TYPE_BYTES,
  CONTENT_TYPE_JSON,
  encodeToken,
  grantsMethod,
  HEADER_CLAIMS,
  HEADER_CONTENT_TYPE,
  HEADER_DEADLINE_MS,
  HEADER_FROM,
  HEADER_SESSION,
  METHOD_CHARS_MAX,
  type Payload,
  parseMethod,
  type Subjects,
} from '@sluice/proto'
import type { Asked, ServiceAsks } from '../backplane/service-asks.ts'
import { beginOutgoing, type TraceOptions } from '../trace/outgoing-trace.ts'
import { type Answer, refusal } from './answer.ts'
import { askRefusal } from './ask-refusal.ts'
import type { SignedIn } from './publish.ts'

/** What calls need beside the frame. */
export interface CallOptions {
  readonly asks: Pick<ServiceAsks, 'ask'>
  readonly subjects: Subjects
  readonly payloadBytesMax: number
  readonly trace: TraceOptions
  readonly counters: { readonly calls: { add(label: string): void } }
}

/** Handles `call`. */
export function call(
  connection: SignedIn,
  frame: ClientFrameOf<'call'> & { readonly payload?: Payload },
  { asks, subjects, payloadBytesMax, trace, counters }: CallOptions,
): Answer | Promise<Answer> {
  const method = parseMethod(frame.method)
  if (method === null)
    return refusal(
      'bad_request',
      `method: names with dots between them are needed, at most ${METHOD_CHARS_MAX} characters`,
    )
  const { principal } = connection
  if (!grantsMethod(principal.grants.call, method, principal.user))
    return refusal('forbidden', `call: not granted: ${method}`)
  const { payload } = frame
  if (payload === undefined) return refusal('bad_request', 'data: data or bytes is needed')
  if (payload.bytes.length > payloadBytesMax) return refusal('too_large', `data: at most ${payloadBytesMax} bytes`)
  const waitMs = Math.min(frame.timeoutMs ?? CALL_WAIT_MS, CALL_WAIT_MS_MAX)
  const headers = headersOf(connection, payload, waitMs)
  const about = () => ({ kind: 'call', method: shown(method, principal.user) }) as const
  const span = beginOutgoing(trace, about, frame.traceparent, headers)
  return asks
    .ask({ owner: connection, subject: subjects.call(method), payload: payload.bytes, headers, waitMs })
    .then((asked) => {
      counters.calls.add(asked.kind)
      span?.end(asked.kind === 'answered' ? null : asked.kind)
      return answerOf(asked, 'call')
    })
}

function headersOf({ session, principal }: SignedIn, payload: Payload, waitMs: number): [string, string][] {
  const headers: [string, string][] = [
    [HEADER_FROM, encodeToken(principal.user)],
    [HEADER_SESSION, encodeToken(session)],
    [HEADER_DEADLINE_MS, `${waitMs}`],
    [HEADER_CONTENT_TYPE, payload.kind === 'bytes' ? CONTENT_TYPE_BYTES : CONTENT_TYPE_JSON],
  ]
  if (principal.claims !== null) headers.push([HEADER_CLAIMS, principal.claims])
  return headers
}

/** A method as spans tell it: grants with `{user}` put the name of whoever calls into it. */
function shown(method: string, user: string): string {
  return method
    .split('.')
    .map((name) => (name.includes(user) ? '{user}' : name))
    .join('.')
}

function answerOf(asked: Asked, what: string): Answer {
  return asked.kind === 'answered' ? { ok: true, fields: {}, reply: asked.message } : askRefusal(asked, what)
}
