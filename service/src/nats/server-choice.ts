// Which server a link dials after it has left a silent one: the library would try the same address again, which still accepts and
// says nothing. Pure but for chance; everything else about reconnects is the library's.
import type { ReconnectToServerHandler } from '@nats-io/transport-node'

/** The choice of one link. */
export interface ServerChoice {
  /** The link leaves this server: it is dialled again only where there is no other. */
  avoid(server: string): void
  /** The link is up: nothing is avoided any more. */
  settled(): void
  /** What the library asks at each attempt. */
  readonly pick: ReconnectToServerHandler
}

/** Processes that leave the same server come to the next one spread over this time. */
export const LEAVE_SPREAD_MS = 1000

/**
 * Begins without a preference.
 *
 * @param random - a number in [0, 1)
 */
export function createServerChoice(random: () => number): ServerChoice {
  let avoided: string | null = null
  let spread = false
  return {
    avoid(server) {
      avoided = server
      spread = true
    },
    settled() {
      avoided = null
      spread = false
    },
    pick(pool) {
      if (avoided === null) return null
      const server = pool.find(({ listen }) => listen !== avoided) ?? pool[0]
      if (server === undefined) return null
      const delay = spread ? random() * LEAVE_SPREAD_MS : 0
      spread = false
      return { server, delay }
    },
  }
}
