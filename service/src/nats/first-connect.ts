// The first connect to NATS, in a loop of our own: the library's own waiting never reports wrong credentials. What an operator
// must mend ends the process; what time mends is retried.
import { type ConnectionOptions, connect, errors, type NatsConnection } from '@nats-io/transport-node'
import { Refused } from '../refused.ts'
import { type PayloadNeed, serverProblem } from './server-requirements.ts'

/** A first connect that time can't mend; the process exits with 2 and names the reason. */
export class NatsRefused extends Refused {
  override readonly name = 'NatsRefused'
}

/** What {@link firstConnect} is told and asks. */
export interface FirstConnectOptions {
  readonly connection: ConnectionOptions
  readonly need: PayloadNeed
  /** Between two attempts, in milliseconds. */
  readonly retryMs: number
  /** Ends the waiting: the process has been told to stop. */
  readonly signal: AbortSignal
  /** Told of each failed attempt that will be repeated. */
  readonly onRetry: (error: Error, attempt: number) => void
}

/**
 * @returns the connection, or null if the signal came first
 * @throws NatsRefused for wrong credentials, a server older than 2.11, or one whose max_payload is too small
 */
export async function firstConnect(options: FirstConnectOptions): Promise<NatsConnection | null> {
  for (let attempt = 1; !options.signal.aborted; attempt++) {
    try {
      const connection = await connect(options.connection)
      const problem = serverProblem(connection.info, options.need)
      if (problem === null) return connection
      await connection.close()
      throw new NatsRefused(problem)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      if (error instanceof NatsRefused) throw error
      if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) {
        throw new NatsRefused('NATS refused the credentials', { cause: error })
      }
      options.onRetry(error, attempt)
    }
    await pause(options.retryMs, options.signal)
  }
  return null
}

/** Resolves after the time or at the signal, whichever comes first. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
