// A user in a room with history, as an application would be one: comes back by itself, from the position that it holds, publishes with
// keys so that nothing is stored twice, and judges its chain. What it finds goes to judged.ts.
import { type Chain, createChain } from './chain.ts'
import { type Connection, complain, connect, type Frame, positionOf } from './connection.ts'
import { ackMs, delivered, deliveryMs, doubled, lost, recovered, recoveryMs } from './judged.ts'
import { settings } from './settings.ts'
import { pause } from './waiting.ts'

/** A member of one room. */
export interface Member {
  /** Connects and joins; resolves when the room is live. */
  begin(): Promise<void>
  /** Publishes one message, over as many sockets as it takes. */
  publish(): Promise<void>
  /** Loses its socket, as a train in a tunnel does, and resolves when the room is whole again. */
  drop(): Promise<void>
  /** Waits until everything that is stored by now has come; what has not is lost. */
  settle(): Promise<void>
  end(): Promise<void>
}

const BACKOFF_MS_MIN = 250
const BACKOFF_MS_MAX = 5000
/** What is stored is delivered within the time of a check of histories, which finds what was lost on the way. */
const SETTLE_MS = 30_000
const POLL_MS = 50
/** A socket that a client has given up [P-12.5]. */
const GIVEN_UP = 4009
const PUBLISH_TRIES = 20

/**
 * Makes one.
 *
 * @param number - from 1; it chooses the gateway
 */
export function createMember(user: string, number: number, room: string): Member {
  const chain = createChain()
  const onFrame = (frame: Frame): void => judge(chain, room, frame)
  let connection: Connection | null = null
  let live: Promise<void> = Promise.resolve()
  let ending = false
  let turns = number
  let keys = 0

  /** Connects until it is let in: full jitter, growing, as the protocol asks [P-12.3]. */
  async function enter(first: boolean): Promise<void> {
    const lostAt = Date.now()
    for (let attempt = 0; !ending; attempt++) {
      if (!first || attempt > 0) await pause(Math.random() * Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** attempt))
      const url = settings.urls[turns++ % settings.urls.length] as string
      const next = await connect(url, user, { onFrame })
      if (next === null) continue
      const since = chain.position
      const answer = await next.ask({ type: 'join', room, ...(since === null ? {} : { since }) }, (ok) => {
        // After a recovery the chain goes on from what has come, not from what the answer says: so a hole shows at the next message.
        if (since === null || ok.recovered !== true) chain.stand(positionOf(ok))
      })
      if (answer === null) {
        next.close(GIVEN_UP)
        continue
      }
      if (since !== null) {
        recovered.add(answer.recovered === true)
        recoveryMs.add(Date.now() - lostAt)
        if (answer.recovered !== true) lost.add(1)
      }
      connection = next
      void next.closed.then(() => {
        if (connection === next) connection = null
        if (!ending) live = enter(false)
      })
      return
    }
  }

  async function last(): Promise<number> {
    const answer = await connection?.ask({ type: 'history', room, limit: 1 })
    return answer?.messages?.at(-1)?.offset ?? 0
  }

  async function settle(): Promise<void> {
    await live
    const until = await last()
    const endsAt = Date.now() + SETTLE_MS
    const behind = (): boolean => (chain.position?.offset ?? 0) < until || chain.missing > 0
    while (behind() && Date.now() < endsAt) await pause(POLL_MS)
    if ((chain.position?.offset ?? 0) < until) lost.add(1)
    lost.add(chain.missing)
  }

  return {
    settle,
    begin() {
      live = enter(true)
      return live
    },
    async publish() {
      const key = `${number}-${++keys}`
      const at = Date.now()
      for (let attempt = 0; attempt < PUBLISH_TRIES && !ending; attempt++) {
        await live
        const answer = await connection?.ask({ type: 'publish', room, key, data: { at, from: number } })
        if (answer === null || answer === undefined) {
          await pause(BACKOFF_MS_MIN)
          continue
        }
        ackMs.add(Date.now() - at)
        if (answer.offset !== undefined) chain.expect(answer.offset)
        return
      }
      if (!ending) complain(`${user}: a message could not be published`)
    },
    async drop() {
      const dropped = connection
      dropped?.close(GIVEN_UP)
      await dropped?.closed
      await live
    },
    async end() {
      ending = true
      await live
      connection?.close()
      await connection?.closed
    },
  }
}

/** Takes a frame into the chain, and counts what it is. */
function judge(chain: Chain, room: string, frame: Frame): void {
  if (frame.type === 'gap') {
    lost.add(1)
    chain.stand(positionOf(frame))
  }
  if (frame.type !== 'message' || frame.room !== room) return
  delivered.add(1)
  const verdict = chain.take(frame)
  if (verdict === 'lost') lost.add(1)
  if (verdict === 'doubled') doubled.add(1)
  const sentAt = (frame.data as { at?: number } | undefined)?.at
  if (sentAt !== undefined) deliveryMs.add(Date.now() - sentAt)
}
