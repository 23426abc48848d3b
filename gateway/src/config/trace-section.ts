// The section `trace` of the configuration: whether and where spans go, and whose traces are continued. Owns the form in which headers
// for the collector are written; never sends anything.
import { field, section } from '@sluice/service/config/fields'
import { pathSchema } from '@sluice/service/config/value-schemas'
import * as z from 'zod'

/** Addresses with a user in them would put it into logs of the network. */
function isCollector(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false
  const url = new URL(text)
  return url.username === '' && url.password === ''
}

/** Name, `=`, value: the form in which OTEL_EXPORTER_OTLP_HEADERS has them. */
const PAIR = /^\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=([\x20-\x2b\x2d-\x7e]*)$/

/**
 * The headers of a text that the schema has passed.
 *
 * @param text - `name=value,name=value`; values percent-encoded where they hold what has a meaning here
 */
export function parseTraceHeaders(text: string): Record<string, string> {
  if (text === '') return {}
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [, name = '', value = ''] = PAIR.exec(pair) ?? []
      return [name, decodeURIComponent(value.trim())]
    }),
  )
}

function isHeaders(text: string): boolean {
  if (!text.split(',').every((pair) => PAIR.test(pair))) return false
  try {
    return Object.values(parseTraceHeaders(text)).every((value) => /^[\x20-\x7e]*$/.test(value))
  } catch {
    // Thrown for a percent sign that encodes nothing.
    return false
  }
}

const HEADERS = 'name=value, several separated by commas, values percent-encoded where needed'

/** Whether and how spans are exported. */
export const traceSection = section({
  endpoint: field(z.string().max(2048).refine(isCollector).optional(), {
    description:
      'Address to which spans are posted (OTLP over HTTP, protobuf), such as http://collector:4318/v1/traces. Unset, nothing is traced and nothing of it is loaded.',
    allowed: 'an http:// or https:// address without user and password',
  }),
  headers: field(z.string().max(4096).refine(isHeaders).optional(), {
    description: 'Headers of these requests, such as a key of the collector.',
    allowed: HEADERS,
    secret: true,
  }),
  headersFile: field(pathSchema.optional(), {
    description: 'File with these headers, read at start.',
    allowed: `the path of a file with ${HEADERS}`,
    file: true,
    contentOf: 'trace.headers',
  }),
  sampleRatio: field(z.number().min(0).max(1).default(0.01), {
    description:
      'Share of the traces recorded that begin here: of publishes, sends and calls that name none. One that is named is recorded if its flag says so.',
    allowed: 'a number from 0 to 1',
  }),
  serviceName: field(z.string().min(1).max(255).default('sluice-gateway'), {
    description: 'What spans name as their service.',
    allowed: 'text of at most 255 characters',
  }),
  trustClients: field(z.boolean().default(true), {
    description:
      'Whether a `traceparent` in the frame of a client counts. Off, it is dropped, also where nothing is traced.',
  }),
})

/** See {@link traceSection}. */
export type TraceConfig = z.output<typeof traceSection>
