// The run's own nats-server, found as the local run finds it, on a port of the system's choice and without JetStream: only
// live messages are measured.
import { findNatsServer, NATS_CACHE_DIR } from '../../../deploy/local/nats-server.ts'
import type { Processes, Running } from './processes.ts'

const LISTENING = /Listening for client connections on 127\.0\.0\.1:(\d+)/

/** Starts it; `ready` is its port. */
export async function startNatsServer(processes: Processes, say: (sentence: string) => void): Promise<Running<number>> {
  const command = await findNatsServer({ cacheDir: NATS_CACHE_DIR, say })
  return await processes.start({
    name: 'nats-server',
    command,
    args: ['--addr', '127.0.0.1', '--port', '-1'],
    ready: (line) => {
      const port = LISTENING.exec(line)?.[1]
      return port === undefined ? null : Number(port)
    },
  })
}
