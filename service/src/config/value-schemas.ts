// Schemas of values that sections of both tiers have, with what they allow in words: ports, hosts, paths of files.
import * as z from 'zod'

/** A port of our own; 0 lets the system choose, for tests. */
export const portSchema = z.int().min(0).max(65_535)

/** An address or host name to listen on. */
export const hostSchema = z.string().regex(/^[A-Za-z0-9.:_-]{1,255}$/)

/** What {@link hostSchema} allows, in words. */
export const HOST = 'an address or a host name'

/** A file's path. */
export const pathSchema = z.string().min(1).max(4096)

/** What {@link pathSchema} allows, in words, of a field that is marked as a `file`. */
export const READABLE_PATH = 'the path of a file that can be read'
