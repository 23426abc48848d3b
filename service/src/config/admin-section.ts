// The section `admin` of the configuration: where probes and monitoring reach the process.
import { field, section } from './fields.ts'
import { HOST, hostSchema, portSchema } from './value-schemas.ts'

/**
 * The admin port.
 *
 * @param port - the default: each tier has its own, as both may run on one machine
 */
export function adminSection(port: number) {
  return section({
    host: field(hostSchema.default('0.0.0.0'), { description: 'Address of the admin port.', allowed: HOST }),
    port: field(portSchema.default(port), {
      description: 'Admin port (`/livez`, `/readyz`, `/metrics`), not for the public; 0 lets the system choose.',
    }),
  })
}
