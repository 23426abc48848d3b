// One socket to a gateway, in `sluice.v1.json`, which gateways speak where no subprotocol is offered [P-3.1]: k6 offers none. Pairs
// requests with answers. Never reconnects: that is member.ts's.
import { WebSocket } from 'k6/websockets'
import type { Link, Position } from './chain.ts'
import { closes, connectMs, errors, refusals } from './judged.ts'
import { headersOf } from './token.ts'
import { after } from './waiting.ts'

/** Someone in a room [P-15.3]. */
export interface Someone {
  readonly user: string
}

/** A frame of a gateway, as far as scripts look at it. */
export interface Frame extends Link {
  readonly type: string
  readonly id?: number
  readonly room?: string
  readonly data?: unknown
  readonly code?: string
  readonly message?: string
  readonly epoch?: string
  readonly recovered?: boolean
  readonly members?: readonly Someone[]
  readonly member?: Someone
  readonly count?: number
  readonly messages?: readonly Link[]
}

/** A connection that was welcomed. */
export interface Connection {
  /**
   * Sends a request; null where the socket ended before the answer, or where there was an error or no answer: those are counted.
   *
   * @param onOk - told before the frame behind the answer is: what follows from the answer must be known by then
   */
  ask(frame: object, onOk?: (answer: Frame) => void): Promise<Frame | null>
  /** Ends the socket; without a code the user has left for good [P-15.9]. */
  close(code?: number): void
  /** Resolves when the socket has ended, with its code. */
  readonly closed: Promise<number>
}

/** What a connection tells. */
export interface ConnectionEvents {
  onFrame(frame: Frame): void
}

/** k6 has it, and its types do not. */
declare const console: { warn(text: string): void }

/** Of a socket: the types of k6 know the constant `WebSocket.OPEN`, k6 1.8.1 does not have it. */
const OPEN = 1
/** Of a close without a close frame. */
const LOST = 1006
/** A gateway that restarts, or that was told to move its clients: nobody's fault. */
const RESTART = 1012
const ANSWER_MS = 15_000
const WELCOME_MS = 15_000
const REFUSED = 'sluice_refused'

/** Connects and waits for `welcome`; null where that was refused. */
export function connect(url: string, user: string, events: ConnectionEvents): Promise<Connection | null> {
  const startedAt = Date.now()
  const waiting = new Map<number, (answer: Frame | null) => void>()
  let ids = 0
  let asked = false
  let over = false
  let end: (code: number) => void
  const closed = new Promise<number>((resolve) => {
    end = resolve
  })
  const socket = new WebSocket(url, null, { headers: headersOf(user), tags: { name: 'gateway' } })
  const connection: Connection = {
    closed,
    ask(frame, onOk) {
      const id = ++ids
      // One that is closing takes nothing more, and who asked does so again on the next one.
      if (over || socket.readyState !== OPEN) return Promise.resolve(null)
      return new Promise((resolve) => {
        const inTime = after(ANSWER_MS, () => settle({ type: 'late', id, code: 'no answer' }))
        const settle = (answer: Frame | null): void => {
          inTime()
          waiting.delete(id)
          const failed = answer !== null && answer.type !== 'ok'
          if (failed) complain(`${(frame as Frame).type}: ${answer.code} ${answer.message ?? ''}`)
          else if (answer !== null) onOk?.(answer)
          resolve(failed ? null : answer)
        }
        waiting.set(id, settle)
        socket.send(JSON.stringify({ ...frame, id }))
      })
    },
    close(code) {
      asked = true
      socket.close(code)
    },
  }
  return new Promise((resolve) => {
    let welcomed = false
    const inTime = after(WELCOME_MS, () => connection.close())
    socket.addEventListener('message', (event) => {
      const frame = JSON.parse(String((event as { data: unknown }).data)) as Frame
      if (frame.type === 'welcome') {
        welcomed = true
        inTime()
        connectMs.add(Date.now() - startedAt)
        resolve(connection)
      } else if (frame.id !== undefined && (frame.type === 'ok' || frame.type === 'error'))
        waiting.get(frame.id)?.(frame)
      else if (frame.type === 'error') complain(`${frame.code} ${frame.message ?? ''}`)
      else events.onFrame(frame)
    })
    socket.addEventListener('close', (event) => {
      // The types of k6 know no code of a close, though its events have one.
      const code = (event as { code?: number }).code ?? LOST
      over = true
      inTime()
      for (const settle of [...waiting.values()]) settle(null)
      if (!welcomed) refusals.add(1, { reason: REFUSED })
      else if (!asked && code !== RESTART) {
        closes.add(1)
        console.warn(`${user}: a socket was closed with ${code}`)
      }
      end(code)
      resolve(null)
    })
    // What k6 tells here is told by the close that follows.
    socket.addEventListener('error', () => undefined)
  })
}

/** Counts an error, and says which. */
export function complain(what: string): void {
  errors.add(1)
  console.warn(what)
}

/** The position that an answer to `join` gives. */
export function positionOf({ epoch = '', offset = 0, time }: Frame): Position {
  return { epoch, offset, ...(time === undefined ? {} : { time }) }
}
