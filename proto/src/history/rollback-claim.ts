// What a gateway tells routers when a stream ends below a message that it has delivered, or has another one in its place. A reason to
// look, never a proof: routers judge for themselves. Whoever does not know the verb ignores it.
import * as z from 'zod/mini'
import { readVersioned, type Unversioned, type Versioned, versionField, writeVersioned } from '../presence/versioned.ts'

/** A claim has at most this many bytes. */
export const ROLLBACK_CLAIM_BYTES_MAX = 1024

/** The claim, on the subject on which routers hear each other. */
export const rollbackClaimSchema = z.object({
  v: versionField,
  verb: z.literal('rolledBack'),
  /** The stream's name. */
  stream: z.string().check(z.minLength(1), z.maxLength(255)),
  /** Under which the offset was seen: a claim that comes after a new generation speaks of one that is over. */
  epoch: z.string().check(z.minLength(1), z.maxLength(64)),
  /** Known to have been stored. */
  offset: z.int().check(z.positive()),
  /** Unix time in milliseconds of the message there; absent where only the offset is known. */
  time: z.optional(z.int().check(z.nonnegative())),
})

/** See {@link rollbackClaimSchema}. */
export type RollbackClaim = Omit<Unversioned<z.infer<typeof rollbackClaimSchema>>, 'verb'>

/** Reads a claim; `unsupported` for any other verb of that subject, which is somebody else's to read. */
export function decodeRollbackClaim(bytes: Uint8Array): Versioned<RollbackClaim> | 'unsupported' {
  const verb = readVersioned(bytes, ROLLBACK_CLAIM_BYTES_MAX, z.object({ v: versionField, verb: z.string() }))
  if (verb !== null && verb !== 'newer' && verb.verb !== 'rolledBack') return 'unsupported'
  const claim = readVersioned(bytes, ROLLBACK_CLAIM_BYTES_MAX, rollbackClaimSchema)
  if (claim === null || claim === 'newer') return claim
  const { verb: _, ...rest } = claim
  return rest
}

/** Writes a claim. */
export function encodeRollbackClaim(claim: RollbackClaim): string {
  return writeVersioned({ verb: 'rolledBack', ...claim })
}
