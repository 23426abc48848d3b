// What must hold of every frame that a server sends, whatever a check was about: the fields of its type, a known error code, one answer
// for each request, nothing of a room outside of membership. Sockets report here; checks at the end of the run read it.
import type { Frame } from './frame-codec.ts'

/** A frame that breaks a clause, told once for each clause. */
export interface Violation {
  readonly clause: string
  readonly expected: string
  readonly came: string
}

/** Gathers violations of a run. */
export class Observations {
  readonly #byClause = new Map<string, Violation[]>()
  /** Frames seen, so that a check can tell “none came” from “none was wrong”. */
  frames = 0

  note(clause: string, expected: string, came: string): void {
    const violations = this.#byClause.get(clause) ?? []
    if (violations.length < VIOLATIONS_KEPT) violations.push({ clause, expected, came })
    this.#byClause.set(clause, violations)
  }

  /** What was seen of a clause. */
  of(clause: string): readonly Violation[] {
    return this.#byClause.get(clause) ?? []
  }
}

const VIOLATIONS_KEPT = 20

type Rule = (value: unknown) => boolean

const text: Rule = (value) => typeof value === 'string'
const name: Rule = (value) => typeof value === 'string' && value !== ''
const count: Rule = (value) => Number.isSafeInteger(value) && Number(value) >= 0
const list: Rule = (value) => Array.isArray(value)
const object: Rule = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const id: Rule = (value) => (typeof value === 'number' ? Number.isSafeInteger(value) : typeof value === 'string')
const truth: Rule = (value) => value === true || value === false
const member: Rule = (value) => object(value) && name((value as Frame).user) && count((value as Frame).connections)
const members: Rule = (value) => Array.isArray(value) && value.every(member)

/** Fields of each type [P-4.4]; `?` marks those that may be missing. Types that are not here are left alone [P-14.1]. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  welcome: {
    version: (value) => value === 1,
    session: name,
    user: name,
    gateway: name,
    time: count,
    'expiresAt?': count,
    heartbeatMs: count,
    limits: object,
    features: list,
  },
  ok: {
    id,
    'expiresAt?': count,
    'members?': members,
    'count?': count,
    'epoch?': name,
    'offset?': count,
    'prev?': count,
    'time?': count,
    'recovered?': truth,
    'duplicate?': truth,
    'messages?': list,
    'more?': truth,
  },
  move: { afterMs: count, reason: text },
  added: { room: name, 'epoch?': name, 'offset?': count },
  removed: { room: name, code: name, reason: text },
  error: { 'id?': id, code: name, message: text, 'retryAfterMs?': count },
  message: {
    'room?': name,
    'user?': name,
    'from?': name,
    'session?': name,
    'event?': name,
    'key?': name,
    'offset?': count,
    'prev?': count,
    'time?': count,
  },
  pong: { 'id?': id },
  members: { room: name, members, count },
  joined: { room: name, member },
  left: { room: name, member },
  gap: {
    'room?': name,
    'user?': name,
    reason: text,
    'epoch?': name,
    'offset?': count,
    'from?': count,
    'to?': count,
    'missed?': count,
  },
}

/** What is wrong with a frame's fields; null if nothing is. */
export function faultOf(frame: Frame): string | null {
  const fields = Object.hasOwn(FIELDS, frame.type) ? FIELDS[frame.type] : undefined
  if (fields === undefined) return null
  for (const [field, rule] of Object.entries(fields)) {
    const optional = field.endsWith('?')
    const value = frame[optional ? field.slice(0, -1) : field]
    if (value === undefined ? !optional : !rule(value)) return `${field.replace('?', '')} of \`${frame.type}\``
  }
  const targets = [frame.room, frame.user].filter((target) => target !== undefined).length
  if (['message', 'gap'].includes(frame.type) && targets !== 1) return `room or user of \`${frame.type}\``
  return frame.type === 'message' ? payloadFault(frame) : null
}

function payloadFault(frame: Frame): string | null {
  const payloads = [frame.data, frame.bytes].filter((payload) => payload !== undefined).length
  if (payloads !== (frame.withheld === true ? 0 : 1)) return 'data or bytes of `message`'
  return frame.bytes === undefined || typeof frame.bytes === 'string' ? null : 'bytes of `message`'
}
