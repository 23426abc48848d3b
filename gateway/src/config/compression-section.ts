// The section `compression` of the configuration: whether clients may negotiate it, and what is worth it.
import { field, section } from '@sluice/service/config/fields'
import * as z from 'zod'

/** Compression of messages on sockets. */
export const compressionSection = section({
  enabled: field(z.boolean().default(false), {
    description:
      'Whether sockets may negotiate `permessage-deflate`. A message is compressed once for all its recipients. Not for messages that hold a secret beside text of others: see below.',
  }),
  minBytes: field(z.int().min(64).max(262_144).default(512), {
    description: 'Messages of rooms and users below this go out uncompressed.',
    unit: 'bytes',
  }),
  level: field(z.int().min(1).max(9).default(1), {
    description: 'Level of zlib: 1 is the fastest; 6 takes up to five times as long for some hundredths of the size.',
  }),
})
