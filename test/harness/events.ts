// The stream of events as a backend reads it.
import type { NatsConnection } from '@nats-io/transport-node'
import { decodeEvent, type PresenceEvent } from '@sluice/proto'

/** All events that are stored, oldest first, each once however many routers have published it. */
export async function storedEvents(client: NatsConnection, stream = 'SLUICE_EVENTS'): Promise<PresenceEvent[]> {
  const info = (await client.request(`$JS.API.STREAM.INFO.${stream}`)).json<{ state: { last_seq: number } }>()
  const events: PresenceEvent[] = []
  for (let seq = 1; seq <= info.state.last_seq; seq++) {
    const answer = await client.request(`$JS.API.STREAM.MSG.GET.${stream}`, JSON.stringify({ seq }))
    const { message } = answer.json<{ message?: { data?: string } }>()
    const event = decodeEvent(Buffer.from(message?.data ?? '', 'base64'))
    if (event !== null) events.push(event)
  }
  return events
}

/** Of one user, as `joined lobby`, `connected gw.1`. */
export function eventsOf(events: readonly PresenceEvent[], user: string): string[] {
  return events.flatMap((event) => {
    if (!('user' in event) || event.user !== user) return []
    return [`${event.kind} ${'room' in event ? event.room : event.session}`]
  })
}
