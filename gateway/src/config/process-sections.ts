// The sections about the gateway itself: `limits`, `drain`, `readiness`, `presence`. The numbers of `limits` are the protocol's and come from
// proto.
import { LIMITS, type LimitName } from '@sluice/proto'
import { field, section } from '@sluice/service/config/fields'
import * as z from 'zod'

function limit(name: LimitName) {
  const { min, max, default: fallback } = LIMITS[name]
  return z.int().min(min).max(max).default(fallback)
}

/** What one connection may do; told to clients in `welcome.limits`. */
export const limitsSection = section({
  frameBytesMax: field(limit('frameBytesMax'), {
    description: 'A frame from a client; a larger one closes with 1009.',
    unit: 'bytes',
  }),
  nameBytesMax: field(limit('nameBytesMax'), { description: 'Name of a room or a user, in UTF-8.', unit: 'bytes' }),
  roomsMax: field(limit('roomsMax'), { description: 'Rooms of one connection.' }),
  requestsInFlightMax: field(limit('requestsInFlightMax'), {
    description:
      'Requests of one connection that wait for their answer; at this number the gateway stops reading from it.',
  }),
  publishesPerSecond: field(limit('publishesPerSecond'), {
    description: '`publish`, `send` and `call` of one connection.',
    unit: '1/s',
  }),
  publishBurst: field(limit('publishBurst'), {
    description: '`publish`, `send` and `call` that one connection may do at once.',
  }),
  requestsPerSecond: field(limit('requestsPerSecond'), {
    description: 'Other requests of one connection.',
    unit: '1/s',
  }),
  queueBytesMax: field(limit('queueBytesMax'), {
    description: 'What waits for one connection; more closes it with 4008.',
    unit: 'bytes',
  }),
  payloadBytesMax: field(limit('payloadBytesMax'), {
    description: 'Payload of a message from NATS; a larger one is dropped.',
    unit: 'bytes',
  }),
  heartbeatMs: field(limit('heartbeatMs'), { description: 'Silence after which a socket is pinged.', unit: 'ms' }),
  silenceMs: field(limit('silenceMs'), {
    description: 'Silence after which a socket is closed with 4009.',
    unit: 'ms',
  }),
})

/** How the process stops. */
export const drainSection = section({
  windowMs: field(z.int().min(0).max(3_600_000).default(30_000), {
    description: 'Time over which the closes (1012) of all sockets are spread when the process stops.',
    unit: 'ms',
  }),
  marginMs: field(z.int().min(100).max(600_000).default(10_000), {
    description:
      'Time after the window in which queues and NATS are flushed; then the process exits hard. The grace period of Kubernetes must be longer than both together.',
    unit: 'ms',
  }),
})

/** When the process asks for no new sockets. */
export const readinessSection = section({
  graceMs: field(z.int().min(100).max(3_600_000).default(30_000), {
    description:
      'Time that NATS may be away before the process is not ready: some load balancers cut live sockets of a pod that is not.',
    unit: 'ms',
  }),
  probeMs: field(z.int().min(50).max(600_000).default(5000), {
    description: 'Time between two loop-back publishes on our own prefix, and the time one may take.',
    unit: 'ms',
  }),
})

/** How users of this gateway are shown to others. */
export const presenceSection = section({
  lingerMs: field(z.int().min(0).max(600_000).default(5000), {
    description:
      'Time that a user is still shown in a room whose connection broke: one who comes back within it is not seen to leave.',
    unit: 'ms',
  }),
})
