// The fields of `accept` that both tiers read: gateways hold the limit of one user's sockets each for itself, routers over the whole
// cluster, and both must close the same ones.
import * as z from 'zod'
import { field } from './fields.ts'

/** How many sockets a user may have, and which are closed where there are more. */
export const userConnectionsFields = {
  userConnectionsMax: field(z.int().min(1).max(1_000_000).default(32), { description: 'Sockets of one user.' }),
  userConnectionsClose: field(z.enum(['oldest', 'newest']).default('oldest'), {
    description: 'Which socket of a user with too many is closed with 4030.',
  }),
}
