// The section `nats` of the configuration, which both tiers share: where NATS is and who we are there. Credentials in files stay
// paths, as they are read again at each reconnect.
import { DEFAULT_PREFIX, PREFIX_PATTERN } from '@sluice/proto'
import * as z from 'zod'
import { field, section } from './fields.ts'
import { countSet, type Relation } from './relations.ts'
import { pathSchema, READABLE_PATH } from './value-schemas.ts'

/** Servers of one list: more than any cluster has, and a bound on what is tried at a reconnect. */
const SERVERS_MAX = 64

const credential = z.string().min(1).max(4096)

/**
 * A NATS address. Names and passwords in it are refused, as the NATS client would ignore them without a word.
 */
function isServer(text: string): boolean {
  const address = /^(?:(?:nats|tls):\/\/)?([^\s/@?#,]+)$/.exec(text)?.[1]
  return address !== undefined && URL.canParse(`nats://${address}`)
}

/** Where NATS is. */
export const natsSection = section({
  url: field(z.array(z.string().refine(isServer)).min(1).max(SERVERS_MAX).default(['nats://127.0.0.1:4222']), {
    description: 'Servers of one NATS cluster.',
    allowed: 'a list of nats://host:port or tls://host:port, without user or password (those are fields of their own)',
  }),
  prefix: field(z.string().regex(PREFIX_PATTERN).default(DEFAULT_PREFIX), {
    description:
      'First token of every subject, and part of every stream and bucket name. Both tiers and all services must agree on it.',
    allowed: '1 to 32 characters of A-Z a-z 0-9 _ -',
  }),
  user: field(credential.optional(), { description: 'User name.', allowed: 'text of at most 4096 characters' }),
  password: field(credential.optional(), {
    description: 'Password of the user.',
    allowed: 'text of at most 4096 characters',
    secret: true,
  }),
  passwordFile: field(pathSchema.optional(), {
    description: 'File with the password, read again at each reconnect.',
    allowed: READABLE_PATH,
    file: true,
  }),
  token: field(credential.optional(), {
    description: 'Token.',
    allowed: 'text of at most 4096 characters',
    secret: true,
  }),
  tokenFile: field(pathSchema.optional(), {
    description: 'File with the token, read again at each reconnect.',
    allowed: READABLE_PATH,
    file: true,
  }),
  credsFile: field(pathSchema.optional(), {
    description: 'Credentials file (JWT and seed), read again at each reconnect.',
    allowed: READABLE_PATH,
    file: true,
  }),
  nkeyFile: field(pathSchema.optional(), {
    description: 'File with an nkey seed, read again at each reconnect.',
    allowed: READABLE_PATH,
    file: true,
  }),
  tls: section({
    caFile: field(pathSchema.optional(), {
      description: 'Certificates that sign those of the servers, in PEM.',
      allowed: READABLE_PATH,
      file: true,
    }),
    certFile: field(pathSchema.optional(), {
      description: 'Our own certificate, in PEM.',
      allowed: READABLE_PATH,
      file: true,
    }),
    keyFile: field(pathSchema.optional(), {
      description: 'Key of our own certificate, in PEM.',
      allowed: READABLE_PATH,
      file: true,
    }),
  }),
})

const IDENTITIES = ['nats.user', 'nats.token', 'nats.tokenFile', 'nats.credsFile', 'nats.nkeyFile']

/** What the fields of `nats` demand of each other. */
export const natsRelations: readonly Relation<unknown>[] = [
  {
    paths: IDENTITIES,
    sentence: 'at most one of these can say who we are',
    holds: (given) => countSet(given, IDENTITIES) <= 1,
  },
  {
    paths: ['nats.user', 'nats.password', 'nats.passwordFile'],
    sentence: 'a user needs exactly one of password and passwordFile, and these need a user',
    holds: (given) => countSet(given, ['nats.password', 'nats.passwordFile']) === countSet(given, ['nats.user']),
  },
  {
    paths: ['nats.tls.certFile', 'nats.tls.keyFile'],
    sentence: 'a certificate and its key are set together',
    holds: (given) => countSet(given, ['nats.tls.certFile', 'nats.tls.keyFile']) !== 1,
  },
]
