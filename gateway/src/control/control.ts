// What routers tell this gateway to do: heard on the connection of leases and control, decoded, done, and answered where an answer is
// asked for. A verb of a later release is `unsupported`: an answer, so that the router knows.
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
  readonly counters: { readonly controls: { add(verb: string): void } }
}

/** Begins to listen; what comes before that is lost, and routers say it again. */
export function listenToControl({ nats, subjects, gateway, close, move, counters }: ControlOptions): void {
  function closeSessions({ sessions, code, reason }: ControlOf<'close'>): number {
    let connections = 0
    for (const session of sessions) {
      const parsed = parseSession(session)
      // A code of a later release goes through as it is: clients know what to do by its range [P-12.2].
      if (parsed?.gateway === gateway && close(parsed.number, code as CloseCode, reason)) connections++
    }
    return connections
  }

  function act(control: Control): number {
    switch (control.verb) {
      case 'close':
        return closeSessions(control)
      case 'move':
        return move({ connections: control.connections, windowMs: control.windowMs, reason: control.reason })
    }
  }

  function answer(payload: Uint8Array): ControlAnswer | null {
    const control = decodeControl(payload)
    if (control === 'newer') {
      counters.controls.add('newer')
      return null
    }
    if (control === 'unsupported' || control === null) {
      const code = control === null ? 'bad_request' : control
      counters.controls.add(code)
      return { connections: 0, code }
    }
    counters.controls.add(control.verb)
    return { connections: act(control) }
  }

  for (const subject of [subjects.controlAll(), subjects.control(gateway)]) {
    nats.subscribe(subject, (message) => {
      const answered = answer(message.data)
      if (answered !== null && message.reply) nats.publish(message.reply, encoder.encode(encodeControlAnswer(answered)))
    })
  }
}

type ControlOf<verb extends Control['verb']> = Extract<Control, { readonly verb: verb }>

const encoder = new TextEncoder()
