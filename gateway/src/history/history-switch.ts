// Whether this gateway has history: it begins with the first namespace or inbox that has it, at the start or when the configuration
// changes, and then stays until the end.
import type { InboxSettings, Namespaces } from '@sluice/proto'
import type { RunningHistory } from './start-history.ts'

/** History, once it is wanted. */
export interface HistorySwitch {
  readonly running: RunningHistory | null
  /** Null where history is not wanted. */
  readonly readiness: { readonly streamsSeen: boolean } | null
  /** Begins if the configuration wants it; resolves when it runs. */
  apply(config: HistoryWishes): Promise<void>
}

/** The parts of a configuration that say so. */
export interface HistoryWishes {
  readonly namespaces: Namespaces
  readonly inbox: InboxSettings
}

/** Whether anything is kept. */
export function wantsHistory({ namespaces, inbox }: HistoryWishes): boolean {
  return inbox.history !== false || Object.values(namespaces).some(({ history }) => history !== false)
}

/**
 * Makes the switch, off.
 *
 * @param start - connects and starts; null if the process was told to stop meanwhile
 */
export function createHistorySwitch(start: () => Promise<RunningHistory | null>): HistorySwitch {
  let running: RunningHistory | null = null
  let starting: Promise<RunningHistory | null> | null = null
  return {
    get running() {
      return running
    },
    get readiness() {
      return starting === null ? null : { streamsSeen: running?.streamsSeen ?? false }
    },
    async apply(config) {
      if (starting === null && !wantsHistory(config)) return
      if (starting !== null) return void (await starting)?.apply()
      starting = start()
      running = await starting
    },
  }
}
