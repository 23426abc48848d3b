// All connections of this gateway: found by number, counted by what they are. Owns the counts that admission decides by.
import type { Connection } from './connection.ts'
import { isLive } from './connection-state.ts'

/** The registry of connections. */
export interface Connections {
  /** Open sockets, closing ones included. */
  readonly total: number
  /** Those that have not signed in. */
  readonly unauthenticated: number
  /** Users with a connection that has signed in. */
  readonly users: number
  add(connection: Connection): void
  /** The connection has signed in; called once for each. */
  signedIn(connection: Connection): void
  remove(connection: Connection): void
  get(number: number): Connection | undefined
  /** The connections of a user that have signed in and are not closing. */
  ofUser(user: string): readonly Connection[]
  /** A list that closing does not disturb. */
  snapshot(): Connection[]
}

/** Makes an empty registry. */
export function createConnections(): Connections {
  const byNumber = new Map<number, Connection>()
  /** Nearly every user has one connection, for which no list is made. */
  const byUser = new Map<string, Connection | Connection[]>()
  let signedIn = 0

  function forget(connection: Connection): void {
    const user = connection.user ?? ''
    const known = byUser.get(user)
    if (!Array.isArray(known)) {
      if (known === connection) byUser.delete(user)
      return
    }
    const rest = known.filter((one) => one !== connection)
    byUser.set(user, rest.length === 1 ? (rest[0] as Connection) : rest)
  }

  return {
    get total() {
      return byNumber.size
    },
    get unauthenticated() {
      return byNumber.size - signedIn
    },
    get users() {
      return byUser.size
    },
    add(connection) {
      byNumber.set(connection.number, connection)
    },
    signedIn(connection) {
      connection.signedIn = true
      signedIn++
      const user = connection.user ?? ''
      const known = byUser.get(user)
      if (known === undefined) byUser.set(user, connection)
      else if (Array.isArray(known)) known.push(connection)
      else byUser.set(user, [known, connection])
    },
    remove(connection) {
      if (!byNumber.delete(connection.number)) return
      if (!connection.signedIn) return
      signedIn--
      forget(connection)
    },
    get: (number) => byNumber.get(number),
    ofUser(user) {
      const known = byUser.get(user)
      if (known === undefined) return []
      return (Array.isArray(known) ? known : [known]).filter(({ phase }) => isLive(phase))
    },
    snapshot: () => [...byNumber.values()],
  }
}
