// Bounds what is written to NATS and not known to have been taken: the client's buffer, the socket's and the kernel's have no bound of
// their own that we could set, and a server that stops reading fills them for half a minute before pings find it dead.
import type { Confirm } from './confirm.ts'

/** What may be on its way at most: as much as NATS by default holds for one of its clients. */
export const UNCONFIRMED_BYTES_MAX = 64 * 1024 * 1024
/** What subject, headers and protocol add to a payload, roughly. */
const ENVELOPE_BYTES = 512

/** Counts what is on its way. */
export interface Unconfirmed {
  /**
   * Asked before a write.
   *
   * @returns false if too much is on its way already: it must not be written
   */
  admit(payloadBytes: number): boolean
  /** The connection broke, and what was on its way with it. */
  reset(): void
}

/**
 * @param confirm - asked at each quarter of the bound, so that a link whose server reads never meets it
 * @param bytesMax - default {@link UNCONFIRMED_BYTES_MAX}
 */
export function createUnconfirmed(confirm: Confirm, bytesMax = UNCONFIRMED_BYTES_MAX): Unconfirmed {
  let written = 0
  let confirmed = 0
  let asking = false

  function ask(): void {
    if (asking) return
    asking = true
    const upTo = written
    void confirm().then((taken) => {
      asking = false
      if (taken) confirmed = Math.max(confirmed, upTo)
    })
  }

  return {
    admit(payloadBytes) {
      const bytes = payloadBytes + ENVELOPE_BYTES
      const fits = written + bytes - confirmed <= bytesMax
      if (fits) written += bytes
      if (written - confirmed > bytesMax / 4) ask()
      return fits
    },
    reset() {
      confirmed = written
    },
  }
}
