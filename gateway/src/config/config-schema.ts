// The one schema of the gateway's configuration: names, defaults, units and descriptions. Variables, mistakes and the table in
// deploy/operators.md are derived from it or checked against it. What one field demands of another is in relations.ts.
import { adminSection } from '@sluice/service/config/admin-section'
import { field } from '@sluice/service/config/fields'
import type { SectionOf } from '@sluice/service/config/file-sections'
import { inboxField } from '@sluice/service/config/inbox-field'
import { logSection, nameField } from '@sluice/service/config/log-section'
import { namespacesField } from '@sluice/service/config/namespaces-field'
import { natsSection } from '@sluice/service/config/nats-section'
import * as z from 'zod'
import { acceptSection, listenSection } from './accept-section.ts'
import { authSection } from './auth-section.ts'
import { compressionSection } from './compression-section.ts'
import { overloadSection } from './overload-section.ts'
import { drainSection, limitsSection, presenceSection, readinessSection } from './process-sections.ts'
import { traceSection } from './trace-section.ts'

/** The schema of the configuration file, defaults included. */
export const configSchema = z
  .strictObject({
    local: field(z.boolean().default(false), {
      description:
        'Local mode: a page and anonymous sockets on `/`, `/echo`, the known secret is accepted, no rates by address. Never for production.',
    }),
    name: nameField(),
    listen: listenSection,
    admin: adminSection(9080),
    nats: natsSection,
    auth: authSection,
    accept: acceptSection,
    compression: compressionSection,
    limits: limitsSection,
    overload: overloadSection,
    drain: drainSection,
    readiness: readinessSection,
    presence: presenceSection,
    log: logSection,
    trace: traceSection,
    namespaces: namespacesField,
    inbox: inboxField,
  } satisfies Record<SectionOf<'gateway'>, z.core.$ZodType>)
  .readonly()

/** The configuration of a gateway: complete, valid, frozen. */
export type GatewayConfig = z.output<typeof configSchema>
