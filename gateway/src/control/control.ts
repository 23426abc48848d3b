// What routers tell this gateway to do: heard on the connection of leases and control, decoded, done once for each request id, and
// answered where an answer is asked for. A verb of a later release is `unsupported`: an answer, so that the router knows.
import {
  type CloseCode,
  type Control,
  type ControlAnswer,
  decodeControl,
  encodeControlAnswer,
  type GatewayId,
  parseSession,
  type Subjects,
} from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import { createRequestMemory, REQUEST_MEMORY } from '@sluice/service/request-memory'
import type { Acts, ControlOf } from './acts.ts'

/** See {@link listenToControl}. */
export interface ControlOptions {
  readonly nats: Pick<NatsPort, 'subscribe' | 'publish'>
  readonly subjects: Subjects
  readonly gateway: GatewayId
  /** Closes a connection of this gateway by its number; false if it is not open. */
  readonly close: (number: number, code: CloseCode, reason: string) => boolean
  /**
   * Asks connections of this gateway to connect elsewhere.
   *
   * @param connections - how many at most; undefined for all
   * @returns how many are asked
   */
  readonly move: (wish: {
    readonly connections: number | undefined
    readonly windowMs: number
    readonly reason: string
  }) => number
  readonly acts: Acts
  /** Whether a subject of a room or user has members here. */
  readonly follows: (subject: string) => number
  readonly nowMs: () => number
  /** An exception of ours while doing what was said. */
  readonly onFault: (error: unknown, verb: string) => void
  readonly counters: { readonly controls: { add(verb: string): void } }
}

/** Acts that may wait for NATS at once: more than that is refused, and the router says so. */
const PENDING_MAX = 10_000

/** Begins to listen; what comes before that is lost, and routers say it again. */
export function listenToControl(options: ControlOptions): void {
  const { nats, subjects, gateway, close, move, acts, counters } = options
  const memory = createRequestMemory<Promise<ControlAnswer>>(REQUEST_MEMORY)
  let pending = 0

  function closeSessions({ sessions, code, reason }: ControlOf<'close'>): number {
    let connections = 0
    for (const session of sessions) {
      const parsed = parseSession(session)
      // A code of a later release goes through as it is: clients know what to do by its range [P-12.2].
      if (parsed?.gateway === gateway && close(parsed.number, code as CloseCode, reason)) connections++
    }
    return connections
  }

  function act(control: Control): number | Promise<number> {
    switch (control.verb) {
      case 'close':
        return closeSessions(control)
      case 'move':
        return move({ connections: control.connections, windowMs: control.windowMs, reason: control.reason })
      case 'disconnect':
        return acts.disconnect(control)
      case 'join':
        return acts.join(control)
      case 'leave':
        return acts.leave(control)
      case 'follows':
        return control.subjects.reduce((sum, subject) => sum + options.follows(subject), 0)
    }
  }

  async function answered(control: Control): Promise<ControlAnswer> {
    if (pending >= PENDING_MAX) return { connections: 0, code: 'unavailable', gateway }
    pending++
    try {
      return { connections: await act(control), gateway }
    } catch (error) {
      options.onFault(error, control.verb)
      return { connections: 0, code: 'unavailable', gateway }
    } finally {
      pending--
    }
  }

  async function answer(payload: Uint8Array): Promise<ControlAnswer | null> {
    const control = decodeControl(payload)
    if (control === 'newer') {
      counters.controls.add('newer')
      return null
    }
    if (control === 'unsupported' || control === null) {
      const code = control === null ? 'bad_request' : control
      counters.controls.add(code)
      return { connections: 0, code, gateway }
    }
    counters.controls.add(control.verb)
    const id = 'id' in control ? control.id : undefined
    if (id === undefined) return answered(control)
    const request = `${control.verb} ${id}`
    const done = await memory.once(request, options.nowMs(), () => answered(control))
    if (done.code !== undefined) memory.forget(request)
    return done
  }

  for (const subject of [subjects.controlAll(), subjects.control(gateway)]) {
    nats.subscribe(subject, ({ data, reply }) => {
      void answer(data).then((answered) => {
        if (answered !== null && reply) nats.publish(reply, encoder.encode(encodeControlAnswer(answered)))
      })
    })
  }
}

const encoder = new TextEncoder()
