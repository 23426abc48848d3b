// What the machine does to everybody: round trips from the test's process to nats-server and back, which a flood of a gateway does not
// reach. Where these become late, a gateway may be late as well.
import { setTimeout as pause } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/transport-node'

const SUBJECT = 'witness'
const EVERY_MS = 2

/** A connection to NATS of its own. */
export class Witness {
  readonly #nats: NatsConnection
  readonly #sentAt: number[] = []
  #latencies: number[] = []

  constructor(nats: NatsConnection) {
    this.#nats = nats
    nats.subscribe(SUBJECT, {
      callback: () => {
        const sentAt = this.#sentAt.shift()
        if (sentAt !== undefined) this.#latencies.push(performance.now() - sentAt)
      },
    })
  }

  /** The time of each round trip of a while, in milliseconds. */
  async slice(ms: number): Promise<readonly number[]> {
    await this.#nats.flush()
    this.#latencies = []
    const timer = setInterval(() => {
      this.#sentAt.push(performance.now())
      this.#nats.publish(SUBJECT)
    }, EVERY_MS)
    await pause(ms)
    clearInterval(timer)
    await this.#nats.flush()
    return this.#latencies
  }
}
