// The servers that the gateway is compared with, as processes of their own: see peers/.
import { fileURLToPath } from 'node:url'
import type { PeerArguments } from '../peers/peer.ts'
import type { Processes } from './processes.ts'
import type { BenchServer } from './server.ts'

/** The raw loop: its cost for a delivery is U. */
export const RAW_LOOP = 'raw loop'

/** A peer: its name in the report and its program. */
export interface PeerProgram {
  readonly name: string
  readonly file: string
}

/** The raw loop first. */
export const PEERS: readonly PeerProgram[] = [
  { name: RAW_LOOP, file: '../peers/raw-loop.ts' },
  { name: 'ws.send(Buffer)', file: '../peers/ws-send.ts' },
  { name: 'ws.send(JSON.stringify)', file: '../peers/ws-stringify.ts' },
]

/** Starts a peer and waits until it listens. */
export async function startPeer(processes: Processes, peer: PeerProgram, options: PeerArguments): Promise<BenchServer> {
  const { pid, ready } = await processes.start({
    name: peer.name,
    command: process.execPath,
    args: [fileURLToPath(new URL(peer.file, import.meta.url)), JSON.stringify(options)],
    ready: (line) => (/^\d+$/.test(line) ? Number(line) : null),
  })
  return { name: peer.name, pid, port: ready, prefix: options.prefix, kind: 'peer' }
}
