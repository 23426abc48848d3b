// The close codes of a socket: the code says what the client does next. PROTOCOL.md says the same in words; a test holds
// them together.

/** What a client does after a close. `token` means: get a new token, then reconnect; twice in a row without `welcome`, stop. */
export type CloseAction = 'asked' | 'stop' | 'backoff' | 'at-once' | 'token'

interface CloseRule {
  readonly name: string
  readonly action: CloseAction
}

/** Every close code with a name, and what the client does when it sees it. */
export const CLOSE_CODES = {
  1000: { name: 'normal', action: 'asked' },
  1001: { name: 'going away', action: 'asked' },
  1002: { name: 'protocol', action: 'stop' },
  1003: { name: 'type', action: 'stop' },
  1006: { name: 'lost', action: 'backoff' },
  1007: { name: 'encoding', action: 'stop' },
  1008: { name: 'policy', action: 'stop' },
  1009: { name: 'size', action: 'stop' },
  1011: { name: 'internal', action: 'backoff' },
  1012: { name: 'service restart', action: 'at-once' },
  1013: { name: 'try again later', action: 'backoff' },
  4000: { name: 'bad frame', action: 'stop' },
  4001: { name: 'unauthorized', action: 'token' },
  4002: { name: 'token expired', action: 'token' },
  4003: { name: 'forbidden', action: 'stop' },
  4005: { name: 'disconnected by a service', action: 'stop' },
  4008: { name: 'slow consumer', action: 'backoff' },
  4009: { name: 'heartbeat missed', action: 'backoff' },
  4029: { name: 'rate limited', action: 'backoff' },
  4030: { name: 'too many connections of this user', action: 'stop' },
} as const satisfies Record<number, CloseRule>

/** One of {@link CLOSE_CODES}. */
export type CloseCode = keyof typeof CLOSE_CODES

/**
 * What a client does after a close with any code, known or not. Unknown codes: 4500–4999 stop, all others back off, so that a
 * later gateway can add codes of both kinds.
 */
export function closeAction(code: number): CloseAction {
  const rule = (CLOSE_CODES as Record<number, CloseRule | undefined>)[code]
  if (rule !== undefined) return rule.action
  return code >= 4500 && code <= 4999 ? 'stop' : 'backoff'
}
