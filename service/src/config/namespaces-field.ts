// The field `namespaces` of the configuration, which both tiers share so that they never disagree on what a room is. Its schema
// is the contract's and comes from proto.
import { namespacesSchema } from '@sluice/proto'
import * as z from 'zod'
import { field } from './fields.ts'

/** The settings of all namespaces. */
export const namespacesField = field(z.prefault(namespacesSchema, { default: {} }), {
  description: 'Settings of each namespace; a room of any other is refused. Both tiers read them from one file.',
  allowed: 'JSON of the form {"chat":{"join":{"who":"anyone"}}}',
  json: true,
  live: true,
})
