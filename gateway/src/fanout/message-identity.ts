// What two copies of one ephemeral message have in common. Asked only while two subscriptions bring the same rooms, which takes
// milliseconds: two messages of one sender that are alike to the last byte are told apart by how often they come.
import { createHash } from 'node:crypto'
import type { Inbound } from '../backplane/inbound.ts'

/** The identity of a message on a subject. */
export function identityOf(message: Inbound, subject: string): string {
  const { payload, binary, from, session, event, key, excludeSession, excludeUser, receipt = null } = message
  const head = JSON.stringify([subject, binary, from, session, event, key, excludeSession, excludeUser, receipt])
  return createHash('sha256').update(head).update(payload).digest('base64')
}
