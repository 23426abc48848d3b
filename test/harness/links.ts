// Connections to NATS as services have them, for tests of what stands on them.
import { connectLink } from '@sluice/service/nats/connect-link'
import type { Link } from '@sluice/service/nats/link'
import { recordedEvents } from './link-events.ts'

/** A connection that a test closes. */
export async function openLink(url: string, name = 'test'): Promise<Link & AsyncDisposable> {
  const link = await connectLink(
    { url: [url], tls: {}, name, need: { bytes: 1, because: 'tests' }, random: () => 0 },
    recordedEvents(),
    new AbortController().signal,
  )
  if (link === null) throw new Error('no NATS')
  return Object.assign(Object.create(link) as Link, { [Symbol.asyncDispose]: () => link.drain() })
}
