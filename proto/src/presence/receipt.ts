// What a gateway tells of a message that asks for a receipt: to how many of its connections it went. One for each room or user of the
// message, on a subject that ends in the id of its header.
import * as z from 'zod/mini'
import { gatewayField } from './api-fields.ts'
import { readVersioned, type Unversioned, type Versioned, versionField, writeVersioned } from './versioned.ts'

const count = z.int().check(z.nonnegative())

/** A receipt. */
export const receiptSchema = z.object({
  v: versionField,
  gateway: gatewayField,
  /** Connections that the message was for: members, or connections of the user, without those that it excludes. */
  connections: count,
  /** Those whose queue has taken it. */
  written: count,
  /** Those that read too slowly for it. */
  skipped: count,
})

/** See {@link receiptSchema}. */
export type Receipt = Unversioned<z.infer<typeof receiptSchema>>

const RECEIPT_BYTES_MAX = 4096

/** Reads a receipt. */
export function decodeReceipt(bytes: Uint8Array): Versioned<Receipt> {
  return readVersioned(bytes, RECEIPT_BYTES_MAX, receiptSchema)
}

/** Writes a receipt. */
export function encodeReceipt(receipt: Receipt): string {
  return writeVersioned(receipt)
}
