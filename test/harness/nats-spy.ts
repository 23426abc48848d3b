// Hears everything that is published in the account of gateways, as an operator may, and the raw protocol for what no NATS library would send.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { MsgHdrs } from '@nats-io/transport-node'
import { eventually } from './eventually.ts'
import type { NatsWithAccounts } from './nats-accounts.ts'

/** A message that was heard. */
export interface Heard {
  readonly subject: string
  readonly text: string
  readonly headers: MsgHdrs | undefined
}

/** What was heard so far. */
export interface Spy {
  readonly heard: readonly Heard[]
  /** Resolves when everything that was published before has been heard. */
  settled(): Promise<void>
}

/** Begins to listen to `>`. */
export async function startSpy({ connect }: Pick<NatsWithAccounts, 'connect'>): Promise<Spy> {
  const operator = await connect('operator')
  const heard: Heard[] = []
  operator.subscribe('>', {
    callback: (_, message) => {
      heard.push({ subject: message.subject, headers: message.headers, text: message.string() })
    },
  })
  await operator.flush()
  return { heard, settled: () => operator.flush() }
}

/**
 * Publishes with the rights of a user, subject by subject, by protocol lines written by hand.
 *
 * @returns the subjects that the server refused
 */
export async function publishRaw(
  natsUrl: string,
  identity: { readonly user: string; readonly pass: string },
  subjects: readonly string[],
  payload: string,
): Promise<readonly string[]> {
  const { hostname, port } = new URL(natsUrl)
  const socket = connect({ host: hostname, port: Number(port) })
  await once(socket, 'connect')
  let said = ''
  socket.on('data', (piece: Buffer) => {
    said += piece.toString()
  })
  socket.write(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, headers: true, ...identity })}\r\n`)
  for (const subject of subjects) socket.write(`PUB ${subject} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`)
  socket.write('PING\r\n')
  await eventually(() => said.includes('PONG\r\n')).toBe(true)
  socket.destroy()
  return [...said.matchAll(/Permissions Violation for Publish to "([^"]*)"/gi)].map(([, subject = '']) => subject)
}
