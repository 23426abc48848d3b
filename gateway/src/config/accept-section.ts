// The sections that guard the door: `listen` (where), `accept` (who, and how many).
import { isIP } from 'node:net'
import { field, section } from '@sluice/service/config/fields'
import { userConnectionsFields } from '@sluice/service/config/user-connections'
import { HOST, hostSchema, pathSchema, portSchema, READABLE_PATH } from '@sluice/service/config/value-schemas'
import * as z from 'zod'

/** Browsers send an origin in lower case, without a path and without the scheme's own port: anything else never matches. */
function isOrigin(text: string): boolean {
  if (text === '*') return true
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/@?#,*]+$/.test(text) || !URL.canParse(text)) return false
  return !/^https?:/.test(text) || new URL(text).origin === text
}

function isRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

const rate = z.int().min(1).max(1_000_000)
const count = z.int().min(1).max(1_000_000)

/** The public port. */
export const listenSection = section({
  host: field(hostSchema.default('0.0.0.0'), { description: 'Address of the public port.', allowed: HOST }),
  port: field(portSchema.default(8080), { description: 'Public port, for sockets; 0 lets the system choose.' }),
  path: field(
    z
      .string()
      .max(256)
      .regex(/^\/[A-Za-z0-9._~/-]*$/)
      .default('/ws'),
    { description: 'Path of the WebSocket upgrade.', allowed: 'a path of A-Z a-z 0-9 . _ ~ - that begins with /' },
  ),
  tls: section({
    certFile: field(pathSchema.optional(), {
      description:
        'Certificate of the public port and those that sign it, in PEM: the port then speaks TLS (1.2 or newer) and nothing else. Looked at every 5 seconds.',
      allowed: READABLE_PATH,
      file: true,
    }),
    keyFile: field(pathSchema.optional(), {
      description: 'Key of that certificate, in PEM and without a passphrase. Looked at every 5 seconds.',
      allowed: READABLE_PATH,
      file: true,
    }),
  }),
})

/** Who may connect, and how many. */
export const acceptSection = section({
  origins: field(z.array(z.string().max(512).refine(isOrigin)).max(1000).default([]), {
    description:
      'Origins of the pages that may connect. None refuses every browser; `*` allows all. Requests without an origin are no browsers and pass.',
    allowed: 'a list of origins as browsers send them, such as https://app.example.com, or *',
  }),
  trustedProxies: field(z.array(z.string().refine(isRange)).max(1000).default([]), {
    description: 'Proxies whose `X-Forwarded-For` is believed.',
    allowed: 'a list of addresses and CIDR ranges',
  }),
  connectionsMax: field(count.default(18_000), { description: 'Sockets of this process; more are refused with 503.' }),
  ...userConnectionsFields,
  unauthenticatedMax: field(count.default(1000), {
    description: 'Sockets that have not signed in yet; more are refused with 503.',
  }),
  unauthenticatedWaitMs: field(z.int().min(100).max(600_000).default(10_000), {
    description: 'Time that a socket has to sign in, else it is closed with 4001.',
    unit: 'ms',
  }),
  addressConnectionsPerSecond: field(rate.default(500), {
    description: 'New sockets of one client address; more are refused with 429. Off in local mode.',
    unit: '1/s',
  }),
  addressSignInFailuresPerSecond: field(rate.default(50), {
    description:
      'Failed sign-ins of one client address; after more, its sockets are refused with 429. Off in local mode.',
    unit: '1/s',
  }),
})
