// The life of a connection as a union of phases, and what each phase makes of a frame. Pure; imports neither ws nor NATS.

/**
 * - `verifying`: a token was brought and is being checked; nothing is read meanwhile
 * - `waiting`: no token yet; only a frame `auth` helps
 * - `open`: signed in, `welcome` was sent
 * - `closing`: a close was decided; what still arrives is ignored
 * - `closed`: the socket is gone
 */
export type Phase = 'verifying' | 'waiting' | 'open' | 'closing' | 'closed'

/** What to do with a frame: handle it, keep it until the phase has changed, answer `unauthorized`, or drop it. */
export type FrameVerdict = 'handle' | 'hold' | 'unauthorized' | 'ignore'

/** @param isAuth - whether the frame is of type `auth` */
export function judgeFrame(phase: Phase, isAuth: boolean): FrameVerdict {
  switch (phase) {
    case 'verifying':
      return 'hold'
    case 'waiting':
      return isAuth ? 'handle' : 'unauthorized'
    case 'open':
      return 'handle'
    case 'closing':
    case 'closed':
      return 'ignore'
  }
}

/** Whether the connection still takes part: it may be answered, and its requests go on. */
export function isLive(phase: Phase): phase is 'verifying' | 'waiting' | 'open' {
  return phase !== 'closing' && phase !== 'closed'
}
