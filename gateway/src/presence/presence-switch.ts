// Whether this gateway has presence: it begins with the first namespace that has it, at the start or when the configuration changes,
// and then stays until the end. Without such a namespace a gateway needs no router and no JetStream.
import type { Namespaces } from '@sluice/proto'
import type { PresenceReadiness } from '../admin/readiness.ts'
import type { RunningPresence } from './start-presence.ts'

/** See {@link createPresenceSwitch}. */
export interface PresenceSwitchOptions {
  /** Connects and starts; null if the process was told to stop meanwhile. */
  readonly start: () => Promise<RunningPresence | null>
  /** Presence has begun, or namespaces have changed while it runs: connections are to be brought in step. */
  readonly onChange: (running: RunningPresence) => void
}

/** Presence, once it is wanted. */
export interface PresenceSwitch {
  readonly running: RunningPresence | null
  /** Null where presence is not wanted. */
  readonly readiness: PresenceReadiness | null
  /** Begins if a namespace wants it; resolves when it runs. */
  apply(namespaces: Namespaces): Promise<void>
}

/** Whether a namespace has presence. */
export function wantsPresence(namespaces: Namespaces): boolean {
  return Object.values(namespaces).some(({ presence }) => presence)
}

/** Makes the switch, off. */
export function createPresenceSwitch({ start, onChange }: PresenceSwitchOptions): PresenceSwitch {
  let running: RunningPresence | null = null
  let starting: Promise<RunningPresence | null> | null = null
  return {
    get running() {
      return running
    },
    get readiness() {
      if (starting === null) return null
      return { announced: running?.announced ?? false, leaseAgeMs: running?.leaseAgeMs() ?? null }
    },
    async apply(namespaces) {
      if (starting === null && !wantsPresence(namespaces)) return
      starting ??= start()
      running = await starting
      if (running !== null) onChange(running)
    },
  }
}
