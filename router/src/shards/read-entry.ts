// The value of an entry as it came from NATS: items, none for one that was deleted, or why it is skipped. Pure.
import type { Versioned } from '@sluice/proto'

/** What came of a value. */
export type ReadEntry<decoded> =
  | { readonly items: Exclude<decoded, 'newer' | null> | null }
  | { readonly skipped: 'newer' | 'malformed' }

/** Reads the bytes of an entry; null for one that was deleted. */
export function readEntry<items>(
  bytes: Uint8Array | null,
  decode: (bytes: Uint8Array) => Versioned<items>,
): ReadEntry<Versioned<items>> {
  if (bytes === null) return { items: null }
  const decoded = decode(bytes)
  if (decoded === 'newer') return { skipped: 'newer' }
  if (decoded === null) return { skipped: 'malformed' }
  return { items: decoded as Exclude<Versioned<items>, 'newer' | null> }
}
