// The section `log` of the configuration, which both tiers share, and the name that a process has in its log.
import { hostname } from 'node:os'
import { isatty } from 'node:tty'
import * as z from 'zod'
import { field, section } from './fields.ts'

/**
 * Asked by number: a look at process.stdout would make a pipe non-blocking, and then the log's synchronous writes fail when it
 * is full.
 */
const STDOUT = 1

/** What is logged, and how. */
export const logSection = section({
  level: field(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'), {
    description: 'Least level that is logged.',
    live: true,
  }),
  pretty: field(
    z.boolean().default(() => isatty(STDOUT)),
    { description: 'Lines for people in place of JSON.', defaultText: 'true on a terminal' },
  ),
})

/** The field of the process's name; the host's, and so the pod's, unless it is set. */
export function nameField() {
  const schema = z.string().min(1).max(255)
  return field(
    schema.default(() => hostname()),
    {
      description: 'Name of this process in logs.',
      allowed: 'text of at most 255 characters',
      defaultText: 'the host name',
    },
  )
}
