// The field `inbox` of the configuration, which both tiers share: routers make its stream, gateways publish into it and read it. Its
// schema is the contract's and comes from proto.
import { inboxSchema } from '@sluice/proto'
import * as z from 'zod'
import { field } from './fields.ts'

/** The settings of users' inboxes. */
export const inboxField = field(z.prefault(inboxSchema, { history: false }), {
  description:
    'Settings of the inbox of each user: what is kept of messages to a user. Both tiers read them from one file.',
  allowed: 'JSON of the form {"history":{"messages":100,"seconds":604800}} or {"history":false}',
  json: true,
  live: true,
})
