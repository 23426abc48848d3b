// What a drain does to a connection: asks it by `move` to connect elsewhere, and closes it with 1012 when its time is over [P-12.4].
import type { Connection } from '../session/connection.ts'
import type { Wire } from '../session/wire.ts'
import type { DrainOptions } from './drain.ts'

/** Both with the same reason, which the client is told. */
export function moveActs(
  wire: Pick<Wire, 'send' | 'close'>,
  reason: string,
): Pick<DrainOptions<Connection>, 'move' | 'close'> {
  return {
    move: (connection, afterMs) => wire.send(connection, { type: 'move', afterMs, reason }),
    close: (connection) => wire.close(connection, 1012, reason),
  }
}
