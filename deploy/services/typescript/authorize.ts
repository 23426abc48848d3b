// Decides who may connect, and who may join and publish in the rooms of `ask`. Only a clear yes allows: run two of it.
import { connect, type Msg } from '@nats-io/transport-node'

const nats = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })

interface Question {
  readonly user: string
  readonly session: string
  /** Of the token; null for anonymous users. */
  readonly claims: Record<string, unknown> | null
  /** None where the question is who may connect. */
  readonly room?: string
  /** What is to be published. */
  readonly data?: unknown
  readonly event?: string
}

const guests = new Map([['ask:ticket-7', ['alice']]])
const blocked = new Set(['mallory'])

function mayJoin({ user, room = '' }: Question): object {
  if (!guests.get(room)?.includes(user)) return { allow: false, reason: 'not your ticket' }
  // Asked again after a minute; what is allowed meanwhile needs no answer.
  return { allow: true, ttlMs: 60_000, info: { role: 'guest' } }
}

function mayPublish({ user, room = '' }: Question): object {
  const allow = guests.get(room)?.includes(user) ?? false
  return { allow, ttlMs: 60_000, limits: { publishesPerSecond: 5 } }
}

function mayConnect({ user }: Question): object {
  return blocked.has(user) ? { allow: false, reason: 'blocked' } : { allow: true, ttlMs: 600_000 }
}

function decide(subject: string, answer: (question: Question) => object): void {
  const callback = (_: unknown, message: Msg): void => {
    message.respond(JSON.stringify(answer(message.json())))
  }
  nats.subscribe(subject, { queue: 'doors', callback })
}

decide('sluice.authorize.join.ask', mayJoin)
decide('sluice.authorize.publish.ask', mayPublish)
decide('sluice.authorize.connect', mayConnect)
console.log('deciding')
await nats.closed()
