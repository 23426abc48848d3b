// The further connections to NATS of a gateway with presence or history. Direct gets run in the server's read loop of the connection
// that asks, so leases and control must not share one with them, and neither may wait behind rooms.
import { type ConnectEvents, connectLink, type NatsOptions } from '@sluice/service/nats/connect-link'
import type { Link } from '@sluice/service/nats/link'

/** Leases and control; direct gets. */
export interface SideLinks {
  readonly control: Link
  readonly reads: Link
}

/** What the connections are called: in the server's monitoring, and in the log. */
export type LinkName = 'data' | 'control' | 'reads'

/**
 * Connects both, waiting for NATS as long as it takes.
 *
 * @param name - of the process
 * @returns null if the signal came before NATS did
 * @throws NatsRefused
 */
export async function connectSideLinks(
  options: NatsOptions & { readonly random: () => number },
  name: string,
  events: (link: LinkName) => ConnectEvents,
  signal: AbortSignal,
): Promise<SideLinks | null> {
  const open = (link: LinkName): Promise<Link | null> =>
    connectLink({ ...options, name: `${name} ${link}`, need: SMALL }, events(link), signal)
  const [control, reads] = await Promise.all([open('control'), open('reads')])
  return control === null || reads === null ? null : { control, reads }
}

/** What is written on these is small; entries go over the connection of rooms. */
const SMALL = { bytes: 65_536, because: 'leases and control' }
