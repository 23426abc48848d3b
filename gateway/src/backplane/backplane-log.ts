// What the gateway logs and counts of its connections to NATS: what every tier does, and of messages that were not delivered.
import { type LinkLogOptions, linkEvents } from '@sluice/service/nats/link-log'
import type { Counters } from '../metrics/counters.ts'
import type { BackplaneEvents } from './backplane.ts'
import type { LinkName } from './side-links.ts'

/** See {@link backplaneEvents}. */
export interface BackplaneLogOptions extends LinkLogOptions {
  readonly link: LinkName
  readonly counters: Counters
}

/** Makes the listeners of a link. */
export function backplaneEvents(options: BackplaneLogOptions): BackplaneEvents {
  const { log, counters, throttle } = options
  return {
    ...linkEvents(options),
    onDropped: (reason, subject) => {
      counters.payloadsDropped.add(reason)
      const allowed = throttle(`dropped ${reason}`)
      if (allowed !== null)
        log.warn({ reason, subject, heldBack: allowed.held }, 'a message from NATS was not delivered')
    },
  }
}
