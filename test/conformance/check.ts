// The form of a check, as data: which clauses it holds, what it needs, and how it is done. The list of all is in check-list.ts.
import type { Bench } from './bench.ts'
import type { Role } from './target.ts'

/**
 * What a check needs beside a server: somewhere to publish as a service (`nats`), tokens of any content (`secret`), a server that asks for a
 * token (`sign-in`) or one that lets in whoever has none (`anonymous`), an allowed origin (`origin`).
 */
export type Need = 'nats' | 'secret' | 'sign-in' | 'anonymous' | 'origin'

/** One thing that must hold. */
export interface Check {
  /** Numbers of the clauses of PROTOCOL.md that this holds, such as `5.2`. */
  readonly clauses: readonly string[]
  /** What must hold, as a sentence. Unique. */
  readonly name: string
  /** Features that `welcome` must name; otherwise the check is not offered. */
  readonly features?: readonly string[]
  /** Features in whose place this holds: with any of them the check is left out. */
  readonly unless?: readonly string[]
  readonly namespaces?: readonly Role[]
  readonly needs?: readonly Need[]
  /** `each` (default): in both encodings; `once`: says nothing of encodings; or one alone. */
  readonly encodings?: 'each' | 'once' | 'json' | 'msgpack'
  /** Takes seconds because the protocol does: begun first, left out of a quick run. */
  readonly slow?: boolean
  /**
   * Runs when those that share the server are done, and beside no other: it listens where another check expects that nobody does, or
   * changes what all would notice.
   */
  readonly alone?: boolean
  /** Runs when all others are done, as it judges what they have seen. */
  readonly last?: boolean
  readonly run: (bench: Bench) => Promise<void>
}
