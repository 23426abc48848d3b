// The router's three connections to NATS: leases and control; followers, answers and events; direct gets. Direct gets run in the
// server's read loop of the connection that asks, so nothing may stand behind them.
import { connectLink, type NatsOptions } from '@sluice/service/nats/connect-link'
import type { Link } from '@sluice/service/nats/link'
import { type LinkLogOptions, linkEvents } from '@sluice/service/nats/link-log'

/** What the connections are called: in the server's monitoring, and in the log. */
export type LinkName = 'control' | 'data' | 'reads'

/** The connections, by what they carry. */
export type Links = Readonly<Record<LinkName, Link>>

/** See {@link connectLinks}. */
export interface LinksOptions extends Omit<LinkLogOptions, 'link' | 'url' | 'setUnauthorized' | 'onBack'> {
  readonly nats: NatsOptions
  /** Of the process. */
  readonly name: string
  readonly setUnauthorized: (link: LinkName, unauthorized: boolean) => void
  readonly onAway: (link: LinkName) => void
  readonly onBack: (link: LinkName) => void
}

/** Entries and answers are at most 960 KiB, but a small server still serves small clusters. */
const NEED = { bytes: 65_536, because: 'answers to services' }

/**
 * Connects all three, waiting for NATS as long as it takes.
 *
 * @returns null if the signal came before NATS did
 * @throws NatsRefused
 */
export async function connectLinks(options: LinksOptions, signal: AbortSignal): Promise<Links | null> {
  const open = (link: LinkName): Promise<Link | null> => {
    const { nats, name, random } = options
    const events = linkEvents({
      ...options,
      link,
      url: nats.url,
      setUnauthorized: (unauthorized) => options.setUnauthorized(link, unauthorized),
      onBack: () => options.onBack(link),
    })
    const onDown = (server: string): void => {
      events.onDown(server)
      options.onAway(link)
    }
    const own = { name: `sluice-router ${name} ${link}`, need: NEED, random }
    return connectLink({ ...nats, ...own }, { ...events, onDown }, signal)
  }
  const [control, data, reads] = await Promise.all([open('control'), open('data'), open('reads')])
  return control === null || data === null || reads === null ? null : { control, data, reads }
}
