// Tokens of the users of a run [P-3.5]: signed here with the shared secret, in k6 as on Node.
import { hmac } from 'k6/crypto'
import { b64encode } from 'k6/encoding'
import { settings } from './settings.ts'

/** A token outlives a run of a day: what is measured is not signing in. */
const TTL_SECONDS = 2 * 86_400

/** The headers with which a user connects. */
export function headersOf(user: string): Record<string, string> {
  return settings.anonymous ? {} : { Authorization: `Bearer ${tokenOf(user)}` }
}

function tokenOf(user: string): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: user, iat: now, exp: now + TTL_SECONDS }
  const signed = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`
  return `${signed}.${hmac('sha256', settings.secret, signed, 'base64rawurl')}`
}

function encoded(value: object): string {
  return b64encode(JSON.stringify(value), 'rawurl')
}
