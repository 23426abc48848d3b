// What a link to NATS tells its owner, noted for tests.
import type { BackplaneEvents } from '../../gateway/src/backplane/backplane.ts'

/** Listeners that note everything. */
export interface RecordedEvents extends BackplaneEvents {
  /** One word for each event, with what it says where that is short. */
  readonly log: string[]
  readonly errors: Error[]
  readonly faults: { readonly error: unknown; readonly subject: string }[]
  /** Leaves the server that is about to stop; set when that was told. */
  leave: (() => void) | null
}

/** Makes them. */
export function recordedEvents(): RecordedEvents {
  const log: string[] = []
  const errors: Error[] = []
  const faults: { error: unknown; subject: string }[] = []
  const events: RecordedEvents = {
    log,
    errors,
    faults,
    leave: null,
    onUp: () => log.push('up'),
    onSilent: () => log.push('silent'),
    onDown: () => log.push('down'),
    onAuthorizationError: () => log.push('authorization'),
    onError: (error) => {
      log.push('error')
      errors.push(error)
    },
    onCallbackError: (error, subject) => {
      log.push('fault')
      faults.push({ error, subject })
    },
    onLameDuck: (leave) => {
      log.push('lame duck')
      events.leave = leave
    },
    onClosed: (reason) => log.push(`closed${reason === undefined ? '' : ` ${reason.message}`}`),
    onRetry: (error, attempt) => log.push(`retry ${attempt} ${error.message}`),
    onDropped: (reason, subject) => log.push(`dropped ${reason} ${subject}`),
  }
  return events
}
