// The router's configuration: what it shares with gateways in the one file, and its own section. Everything that is its own stands
// below `router`, so that one environment serves both tiers.
import { adminSection } from '@sluice/service/config/admin-section'
import { defineConfig } from '@sluice/service/config/define-config'
import { field, section } from '@sluice/service/config/fields'
import { type SectionOf, sectionsForeignTo } from '@sluice/service/config/file-sections'
import { logSection, nameField } from '@sluice/service/config/log-section'
import { namespacesField } from '@sluice/service/config/namespaces-field'
import { natsSection } from '@sluice/service/config/nats-section'
import * as z from 'zod'

const ownSection = section({
  name: nameField(),
  admin: adminSection(9090),
  replicas: field(z.int().min(1).max(5).default(1), {
    description: 'Copies of each bucket and stream: 1, or 3 in a cluster.',
  }),
  eventsSeconds: field(z.int().min(1).max(31_536_000).default(86_400), {
    description: 'Seconds for which events are kept for backends.',
  }),
  eventsBytesMax: field(z.int().min(1_048_576).max(1_099_511_627_776).default(1_073_741_824), {
    description: 'What all events may take on disk; the oldest go first.',
    unit: 'bytes',
  }),
  readinessGraceMs: field(z.int().min(100).max(3_600_000).default(30_000), {
    description: 'Time that NATS may be away before the router is not ready.',
    unit: 'ms',
  }),
  drainMs: field(z.int().min(0).max(600_000).default(2000), {
    description: 'Time for which a router that stops answers on, so that the others have seen that it goes.',
    unit: 'ms',
  }),
})

/** The schema of what a router reads. */
export const routerSchema = z
  .strictObject({
    nats: natsSection,
    log: logSection,
    namespaces: namespacesField,
    router: ownSection,
    accept: section({
      userConnectionsMax: field(z.int().min(1).max(1_000_000).default(32), { description: 'Sockets of one user.' }),
      userConnectionsClose: field(z.enum(['oldest', 'newest']).default('oldest'), {
        description: "Which of a user's sockets are closed when there are too many.",
      }),
    }),
  } satisfies Record<SectionOf<'router'>, z.core.$ZodType> & { accept: z.core.$ZodType })
  .readonly()

/** The configuration of a router: complete, valid, frozen. */
export type RouterConfig = z.output<typeof routerSchema>

/** Everything that can be set on a router. */
export const routerConfig = defineConfig({ schema: routerSchema, foreign: sectionsForeignTo('router') })
