// The router's configuration: what it shares with gateways in the one file, and its own section. Everything that is its own stands
// below `router`, so that one environment serves both tiers.
import { LIMITS } from '@sluice/proto'
import { adminSection } from '@sluice/service/config/admin-section'
import { defineConfig } from '@sluice/service/config/define-config'
import { field, section } from '@sluice/service/config/fields'
import { type SectionOf, sectionsForeignTo } from '@sluice/service/config/file-sections'
import { inboxField } from '@sluice/service/config/inbox-field'
import { logSection, nameField } from '@sluice/service/config/log-section'
import { namespacesField } from '@sluice/service/config/namespaces-field'
import { natsRelations, natsSection } from '@sluice/service/config/nats-section'
import { brokenAmong, type Relation } from '@sluice/service/config/relations'
import { userConnectionsFields } from '@sluice/service/config/user-connections'
import * as z from 'zod'

const rebalanceSection = section({
  enabled: field(z.boolean().default(false), {
    description: 'Whether gateways with too many connections are asked to move some, as after a scale-out.',
  }),
  connectionsPerSecond: field(z.int().min(1).max(10_000).default(20), {
    description: 'Connections that are asked to move in a second at most, on all gateways together.',
    unit: '1/s',
  }),
  withinPercent: field(z.int().min(1).max(100).default(10), {
    description: 'How far from the mean, in percent of it, a gateway may be; five connections are never too far.',
  }),
})

const ownSection = section({
  name: nameField(),
  admin: adminSection(9090),
  replicas: field(z.int().min(1).max(5).default(1), {
    description: 'Copies of each bucket and stream on the servers of NATS: 1 on a single server, 3 in a cluster.',
  }),
  eventsSeconds: field(z.int().min(1).max(31_536_000).default(86_400), {
    description: 'Seconds for which events are kept for backends.',
  }),
  eventsBytesMax: field(z.int().min(1_048_576).max(1_099_511_627_776).default(268_435_456), {
    description: 'What all events may take on disk, which NATS sets aside; the oldest go first.',
    unit: 'bytes',
  }),
  revokedSeconds: field(z.int().min(60).max(31_536_000).default(86_400), {
    description: 'Seconds for which it is kept that tokens are revoked: the longest life of a token.',
  }),
  readinessGraceMs: field(z.int().min(100).max(3_600_000).default(30_000), {
    description: 'Time that NATS may be away before the router is not ready.',
    unit: 'ms',
  }),
  drainMs: field(z.int().min(0).max(600_000).default(10_000), {
    description: 'Time that a router that stops may wait until others have taken its shards; it answers on meanwhile.',
    unit: 'ms',
  }),
  drainMarginMs: field(z.int().min(100).max(600_000).default(10_000), {
    description: 'Time after that in which events and NATS are flushed; then the process exits hard.',
    unit: 'ms',
  }),
  rebalance: rebalanceSection,
})

const { min, max, default: fallback } = LIMITS.payloadBytesMax

/** Of the gateway's section: streams take nothing that no gateway would deliver. */
const limitsSection = section({
  payloadBytesMax: field(z.int().min(min).max(max).default(fallback), {
    description: 'Payload of a message from NATS; a larger one is dropped.',
    unit: 'bytes',
  }),
})

const routerSchema = z
  .strictObject({
    nats: natsSection,
    log: logSection,
    namespaces: namespacesField,
    inbox: inboxField,
    router: ownSection,
    accept: section(userConnectionsFields),
    limits: limitsSection,
  } satisfies Record<SectionOf<'router'>, z.core.$ZodType> & Record<'accept' | 'limits', z.core.$ZodType>)
  .readonly()

/** The configuration of a router: complete, valid, frozen. */
export type RouterConfig = z.output<typeof routerSchema>

const relations: readonly Relation<RouterConfig>[] = [...natsRelations]

/** Everything that can be set on a router. */
export const routerConfig = defineConfig({
  schema: routerSchema,
  foreign: sectionsForeignTo('router'),
  brokenBy: (given) => brokenAmong(relations, given),
})
