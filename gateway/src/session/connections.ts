// All connections of this gateway: found by number, counted by what they are. Owns the counts that admission decides by.
import type { Connection } from './connection.ts'

/** The registry of connections. */
export interface Connections {
  /** Open sockets, closing ones included. */
  readonly total: number
  /** Those that have not signed in. */
  readonly unauthenticated: number
  add(connection: Connection): void
  /** The connection has signed in; called once for each. */
  signedIn(connection: Connection): void
  remove(connection: Connection): void
  get(number: number): Connection | undefined
  /** A list that closing does not disturb. */
  snapshot(): Connection[]
}

/** Makes an empty registry. */
export function createConnections(): Connections {
  const byNumber = new Map<number, Connection>()
  let signedIn = 0
  return {
    get total() {
      return byNumber.size
    },
    get unauthenticated() {
      return byNumber.size - signedIn
    },
    add(connection) {
      byNumber.set(connection.number, connection)
    },
    signedIn(connection) {
      connection.signedIn = true
      signedIn++
    },
    remove(connection) {
      if (!byNumber.delete(connection.number)) return
      if (connection.signedIn) signedIn--
    },
    get: (number) => byNumber.get(number),
    snapshot: () => [...byNumber.values()],
  }
}
