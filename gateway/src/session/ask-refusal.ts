// What a question to a service without a usable answer is to the one who asked. Pure.
import { DETAILS_BYTES_MAX, isTooDeep } from '@sluice/proto'
import type { Asked } from '../backplane/service-asks.ts'
import { type Refusal, refusal, unavailable } from './answer.ts'

/** What a question without a usable answer is to the one who asked. */
export function askRefusal(asked: Exclude<Asked, { readonly kind: 'answered' }>, what: string): Refusal {
  switch (asked.kind) {
    case 'failed':
      return failure(asked.message, asked.body)
    case 'unfit':
      return refusal('service_error', `${what}: the answer of the service is neither JSON nor bytes, or too large`)
    case 'no-service':
      return refusal('no_service', `${what}: no service answers`)
    case 'timeout':
      return refusal('timeout', `${what}: the service has not answered in time`)
    case 'too-large':
      return refusal('too_large', 'data: NATS takes no message of this size')
    case 'denied':
      return refusal('forbidden', 'NATS does not permit it')
    case 'unavailable':
      return unavailable()
    case 'forgotten':
      return refusal('unauthorized', 'closed meanwhile')
  }
}

function failure(message: string, body: Uint8Array): Refusal {
  const details = detailsOf(body)
  const failed = refusal('service_error', message || 'the service has failed')
  return details === undefined ? failed : { ...failed, details }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A body that is no JSON, or too much of it, is left out: the error stands without it. */
function detailsOf(body: Uint8Array): unknown {
  if (body.length === 0 || body.length > DETAILS_BYTES_MAX) return undefined
  try {
    const text = decoder.decode(body)
    const details: unknown = JSON.parse(text)
    return isTooDeep(text) ? undefined : details
  } catch {
    return undefined
  }
}
