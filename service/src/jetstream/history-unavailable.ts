// The one error of reads of a history: it could not be had. It says why, so that callers can tell what passes from what is gone;
// it never says that something is not kept, as that is an answer.

/**
 * Why a read could not be had:
 * - `away`: the link is down, asking again before it is up is useless;
 * - `overrun`: too many reads wait already;
 * - `no-answer`: nobody answered in time, as in an election;
 * - `behind`: whoever leads has not stored yet, or no longer, what is known to have been stored;
 * - `no-stream`: there is no such stream.
 */
export type UnavailableReason = 'away' | 'overrun' | 'no-answer' | 'behind' | 'no-stream'

/** A read that could not be had. All but `no-stream` may be had a little later. */
export class HistoryUnavailable extends Error {
  override readonly name = 'HistoryUnavailable'
  readonly reason: UnavailableReason

  constructor(reason: UnavailableReason, stream: string, detail = '') {
    super(`history of ${stream}: ${reason}${detail === '' ? '' : ` (${detail})`}`)
    this.reason = reason
  }
}
