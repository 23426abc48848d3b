// The section `auth` of the configuration: whose tokens are believed and what they grant. Which fields exclude each other
// is said in relations.ts.
import { grantsSchema } from '@sluice/proto'
import { field, section } from '@sluice/service/config/fields'
import { pathSchema } from '@sluice/service/config/value-schemas'
import * as z from 'zod'

/** HS256 needs a key of at least the size of its hash output (RFC 7518, 3.2). */
export const SECRET_BYTES_MIN = 32

/** More is a mistake, such as the path of a file with something else in it. */
const SECRET_BYTES_MAX = 4096

/** The signature algorithms that can be allowed; `none` is not among them. */
export const ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

/** A signature algorithm of JWTs. */
export type Algorithm = (typeof ALGORITHMS)[number]

/** Allowed with a shared secret, unless configured. */
export const SECRET_ALGORITHMS: readonly Algorithm[] = ['HS256']

/** Allowed with a key set, unless configured. */
export const JWKS_ALGORITHMS: readonly Algorithm[] = ['RS256', 'PS256', 'ES256', 'EdDSA']

const encoder = new TextEncoder()

const secret = z.string().refine((text) => {
  const bytes = encoder.encode(text).length
  return bytes >= SECRET_BYTES_MIN && bytes <= SECRET_BYTES_MAX
})
const SECRET = `text of ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes`
const PATH = `the path of a file with ${SECRET}`

/** fetch() refuses addresses with a user in them, so they are refused here, where it can be said. */
function isKeySetUrl(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false
  const url = new URL(text)
  return url.username === '' && url.password === ''
}

const claim = z.string().min(1).max(256)
const CLAIM = 'the name of a claim, of at most 256 characters'
const party = z.string().min(1).max(1024)

/**
 * Whose tokens are believed. Grants of tokens ignore fields that they don't know, as later issuers may add some; in the configuration
 * such a field is a mistake.
 */
export const authSection = section({
  secret: field(secret.optional(), { description: 'Shared secret of HS256 tokens.', allowed: SECRET, secret: true }),
  secretFile: field(pathSchema.optional(), {
    description: 'File with the shared secret, read at start; one newline at its end is ignored.',
    allowed: PATH,
    file: true,
    contentOf: 'auth.secret',
  }),
  secretPrevious: field(secret.optional(), {
    description:
      'The secret before the present one: its tokens are still accepted, so that a secret can be changed without a pause.',
    allowed: SECRET,
    secret: true,
  }),
  secretPreviousFile: field(pathSchema.optional(), {
    description: 'File with the secret before the present one.',
    allowed: PATH,
    file: true,
    contentOf: 'auth.secretPrevious',
  }),
  jwksUrl: field(z.string().max(2048).refine(isKeySetUrl).optional(), {
    description:
      'Address of the key set (JWKS) of the identity provider. Exactly one of `auth.secret`, `auth.secretFile` and this is set, or none with `auth.anonymous`.',
    allowed: 'an http:// or https:// address without user and password',
  }),
  algorithms: field(
    z
      .array(z.enum(ALGORITHMS))
      .min(1)
      .max(ALGORITHMS.length)
      .default(() => [...SECRET_ALGORITHMS]),
    {
      description: 'Signature algorithms that are accepted.',
      allowed: `a list of ${ALGORITHMS.join(', ')}`,
      defaultText: `${SECRET_ALGORITHMS.join(', ')} with a secret; ${JWKS_ALGORITHMS.join(', ')} with a key set`,
    },
  ),
  issuer: field(party.optional(), {
    description: 'The `iss` that tokens must have; not checked if unset.',
    allowed: 'text of at most 1024 characters',
  }),
  audience: field(z.array(party).min(1).max(16).optional(), {
    description: 'Tokens must name one of these in `aud`; not checked if unset.',
    allowed: 'a list of at most 16 texts',
  }),
  clockToleranceMs: field(z.int().min(0).max(300_000).default(5000), {
    description: 'Difference between our clock and that of the issuer that is forgiven in `exp`, `nbf` and `iat`.',
    unit: 'ms',
  }),
  userClaim: field(claim.default('sub'), { description: 'Claim that holds the name of the user.', allowed: CLAIM }),
  grantsClaim: field(claim.default('sluice'), { description: 'Claim that holds the grants.', allowed: CLAIM }),
  expiryRequired: field(z.boolean().default(true), { description: 'Whether tokens without `exp` are refused.' }),
  anonymous: field(z.boolean().default(false), {
    description: 'Whether sockets without a token are let in, as anonymous users.',
  }),
  service: field(z.boolean().default(false), {
    description:
      'Whether a service is asked at each sign-in (`sluice.authorize.connect`); without its answer nobody gets in.',
  }),
  grants: field(z.strictObject(grantsSchema.shape).prefault({}), {
    description: 'Grants of everyone signed in, beside those of the token.',
    allowed: 'JSON of the form {"send":["*"],"call":["*"]}',
    json: true,
  }),
  tokenCacheEntriesMax: field(z.int().min(1).max(1_000_000).default(10_000), {
    description: 'Verified tokens that are remembered.',
  }),
  tokenCacheMs: field(z.int().min(1000).max(3_600_000).default(300_000), {
    description: 'How long a verified token is remembered, its own expiry aside.',
    unit: 'ms',
  }),
  jwksCooldownMs: field(z.int().min(0).max(3_600_000).default(30_000), {
    description: 'Least time between two fetches of the key set, however many tokens name an unknown key.',
    unit: 'ms',
  }),
  jwksTimeoutMs: field(z.int().min(100).max(60_000).default(5000), {
    description: 'Time that one fetch of the key set may take.',
    unit: 'ms',
  }),
})
