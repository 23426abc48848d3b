// Gathers what gateways tell of a message that asks for a receipt. They tell it when the message is in their members' queues, which a
// router can't wait for in general: so it asks them how many receipts to expect, and never waits longer than a second.
import { decodeReceipt, FOLLOWS_MAX, type GatewayId, type Subjects } from '@sluice/proto'
import { type AskOptions, askGateways } from './ask-gateways.ts'
import type { PublishTarget } from './publish-targets.ts'

/** To whom a message was delivered, as far as it was told in time. */
export interface GatheredReceipt {
  readonly gateways: number
  readonly connections: number
  readonly written: number
  readonly skipped: number
}

/** Receipts on their way. */
export interface Gathering {
  /** Ends when all that are to be expected are there, or the time is over. */
  receipt(targets: readonly PublishTarget[]): Promise<GatheredReceipt>
  stop(): void
}

/** From when the message was published. */
export const RECEIPT_WAIT_MS = 1000

/** Begins to listen; before the message is published. */
export function gatherReceipts(id: string, options: AskOptions & { readonly subjects: Subjects }): Gathering {
  const { nats, subjects } = options
  const told = new Map<GatewayId, number>()
  const withMembers = new Set<GatewayId>()
  let expected: ReadonlyMap<GatewayId, number> | null = null
  let total = { connections: 0, written: 0, skipped: 0 }
  let onAll: () => void = () => undefined

  const subscription = nats.subscribe(subjects.receipt(id), ({ data }) => {
    const receipt = decodeReceipt(data)
    if (receipt === null || receipt === 'newer') return
    const { gateway, connections, written, skipped } = receipt
    told.set(gateway, (told.get(gateway) ?? 0) + 1)
    if (connections > 0) withMembers.add(gateway)
    total = {
      connections: total.connections + connections,
      written: total.written + written,
      skipped: total.skipped + skipped,
    }
    settle()
  })

  function settle(): void {
    if (expected !== null && [...expected].every(([gateway, count]) => (told.get(gateway) ?? 0) >= count)) onAll()
  }

  return {
    async receipt(targets) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, RECEIPT_WAIT_MS)
        onAll = () => {
          clearTimeout(timer)
          resolve()
        }
        void expectedOf(targets, options).then((found) => {
          expected = found
          settle()
        })
      })
      subscription.unsubscribe()
      return { gateways: withMembers.size, ...total }
    },
    stop: () => subscription.unsubscribe(),
  }
}

/** How many receipts come from whom; null where that can't be known. */
async function expectedOf(
  targets: readonly PublishTarget[],
  options: AskOptions,
): Promise<ReadonlyMap<GatewayId, number> | null> {
  const [first] = targets
  // A gateway tells of a connection in any case.
  if (first?.gateway) return new Map([[first.gateway, 1]])
  const subjects = targets.map(({ live }) => live)
  if (subjects.length > FOLLOWS_MAX) return null
  const asked = await askGateways({ verb: 'follows', subjects }, null, options)
  return asked === null || asked.silent > 0 ? null : asked.of
}
