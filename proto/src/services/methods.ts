// Methods of `call`: dot-separated names, each one token of the subject under which services answer. Owns what a method may be and
// which grants fit it; never builds subjects.
import { METHOD_CHARS_MAX } from '../limits.ts'
import type { UserName } from '../names.ts'

declare const brand: unique symbol

/** A method's name, such as `orders.create`: names joined by dots, none of them empty. */
export type Method = string & { readonly [brand]: 'Method' }

/**
 * Parses a method as a client wrote it. Between its dots any well-formed Unicode is allowed but for `*`.
 *
 * @returns null if it is none
 */
export function parseMethod(raw: unknown): Method | null {
  if (typeof raw !== 'string' || raw.length > METHOD_CHARS_MAX) return null
  if (raw.includes('*') || !raw.isWellFormed()) return null
  return raw.split('.').includes('') ? null : (raw as Method)
}

/**
 * Whether one of the patterns of the grant `call` fits a method: exact, `*`, or with `{user}`. The user's name is put in after the
 * pattern was taken apart at its dots, so one with a dot in it fits no method, instead of reaching another one.
 */
export function grantsMethod(patterns: readonly string[] | undefined, method: Method, user: UserName): boolean {
  if (patterns === undefined) return false
  const names = method.split('.')
  return patterns.some((pattern) => {
    if (pattern === '*') return true
    const parts = pattern.split('.')
    return (
      parts.length === names.length && parts.every((part, at) => part.replaceAll('{user}', () => user) === names[at])
    )
  })
}
