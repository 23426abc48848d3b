// What services have routers do to connections of this gateway: close them, put them into rooms, take them out. Says how many it was done
// to; those to whom nothing happened, as it was so already, do not count.
import { type Control, parseRoom, parseSession, type Room, type SessionId, type UserName } from '@sluice/proto'
import type { Connection } from '../session/connection.ts'
import { isLive } from '../session/connection-state.ts'
import type { Connections } from '../session/connections.ts'
import type { Placing } from '../session/placing.ts'
import type { Wire } from '../session/wire.ts'
import type { Revocations } from './follow-revocations.ts'
import { isIssuedBefore } from './revocations.ts'

/** See {@link createActs}. */
export interface ActsOptions {
  readonly connections: Pick<Connections, 'get' | 'ofUser' | 'snapshot'>
  readonly wire: Pick<Wire, 'close'>
  readonly placing: Pick<Placing, 'add' | 'remove'>
  readonly revocations: Pick<Revocations, 'ahead'>
}

/** A control of one verb. */
export type ControlOf<verb extends Control['verb']> = Extract<Control, { readonly verb: verb }>

/** The acts, each answered by the number of connections. */
export interface Acts {
  disconnect(control: ControlOf<'disconnect'>): number
  join(control: ControlOf<'join'>): Promise<number>
  leave(control: ControlOf<'leave'>): Promise<number>
}

/** Makes them. */
export function createActs({ connections, wire, placing, revocations }: ActsOptions): Acts {
  function ofSession(session: SessionId): Connection[] {
    const connection = connections.get(parseSession(session)?.number ?? 0)
    const found = connection?.session === session && connection.principal !== null && isLive(connection.phase)
    return found ? [connection] : []
  }

  function ofUser(user: UserName): readonly Connection[] {
    return connections.ofUser(user)
  }

  function ofToken(token: string): Connection[] {
    return connections
      .snapshot()
      .filter(({ principal, phase, signedIn }) => signedIn && principal?.tokenId === token && isLive(phase))
  }

  function found({ user, session, token }: Pick<ControlOf<'disconnect'>, 'user' | 'session' | 'token'>) {
    if (user !== undefined) return ofUser(user)
    if (session !== undefined) return ofSession(session)
    return token === undefined ? [] : ofToken(token)
  }

  async function countDone(done: readonly Promise<boolean>[]): Promise<number> {
    return (await Promise.all(done)).filter((one) => one).length
  }

  return {
    disconnect(control) {
      const { notBefore, user, token } = control
      // Who is signing in at this moment is not found yet, and must not get in.
      if (notBefore !== undefined && user !== undefined) revocations.ahead({ kind: 'user', name: user }, notBefore)
      if (notBefore !== undefined && token !== undefined) revocations.ahead({ kind: 'token', name: token }, notBefore)
      const closing = found(control).filter(
        ({ principal }) => notBefore === undefined || isIssuedBefore(principal?.issuedAt ?? null, notBefore),
      )
      for (const connection of closing) wire.close(connection, 4005, control.reason)
      return closing.length
    },
    join: (control) =>
      countDone(found(control).map((connection) => placing.add(connection, roomOf(control.room), 'service'))),
    leave: (control) =>
      countDone(
        found(control).map((connection) =>
          placing.remove(connection, roomOf(control.room), 'forbidden', control.reason),
        ),
      ),
  }
}

/** The schema has checked that it is one. */
function roomOf(name: string): Room {
  const room = parseRoom(name, Number.MAX_SAFE_INTEGER)
  if (room === null) throw new RangeError('a room was not parsed before')
  return room
}
