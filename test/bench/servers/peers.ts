// The servers that the gateway is compared with, as processes of their own: see peers/. Those that need packages or programs which the
// repository does not depend on are in optional-peers.ts.
import { fileURLToPath } from 'node:url'
import { FRAME_BYTES } from '../measure/slice.ts'
import type { Source } from '../measure/source.ts'
import type { PeerArguments } from '../peers/peer.ts'
import type { Processes } from './processes.ts'
import type { BenchServer } from './server.ts'

/** The raw loop: its cost for a delivery is U. */
export const RAW_LOOP = 'raw loop'

/** A peer: its name in the report and its program. */
export interface PeerProgram {
  readonly name: string
  readonly file: string
  /** See {@link BenchServer.differs}. */
  readonly differs?: string
}

const NO_PROMISES = 'no sign-in, no queue bound, nobody is told of a slow reader'

/** The raw loop first. */
export const PEERS: readonly PeerProgram[] = [
  { name: RAW_LOOP, file: '../peers/raw-loop.ts', differs: 'one prebuilt frame, no rooms, no checks' },
  { name: 'ws.send(Buffer)', file: '../peers/ws-send.ts', differs: NO_PROMISES },
  { name: 'ws.send(JSON.stringify)', file: '../peers/ws-stringify.ts', differs: NO_PROMISES },
]

/** Starts a peer that is a program of Node and prints its port when it listens. */
export async function startPeer(
  processes: Processes,
  peer: PeerProgram,
  { source, ...options }: PeerArguments & { readonly source: Source },
): Promise<BenchServer> {
  const { pid, ready } = await processes.start({
    name: peer.name,
    command: process.execPath,
    args: [fileURLToPath(new URL(peer.file, import.meta.url)), JSON.stringify(options)],
    ready: (line) => (/^\d+$/.test(line) ? Number(line) : null),
  })
  return {
    name: peer.name,
    pid,
    port: ready,
    publish: source.publisherTo(options.prefix),
    frameBytes: FRAME_BYTES,
    clientOf: async (_, rooms) => ({ path: `/?rooms=${rooms}`, steps: [], readyAfter: 0 }),
    ...(peer.differs === undefined ? {} : { differs: peer.differs }),
  }
}
