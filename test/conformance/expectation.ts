// How a check says what it expected and what came. A check that returns has passed; one that throws Broken has found a fault of the
// server; one that throws NotRun could not be tried. Knows nothing of the protocol.
import { inspect, isDeepStrictEqual } from 'node:util'

/** A clause that does not hold: what it demands, and what the server did. */
export class Broken extends Error {
  readonly expected: string
  readonly came: string

  constructor(expected: string, came: string) {
    super(`expected ${expected}; came ${came}`)
    this.expected = expected
    this.came = came
  }
}

/** A check that cannot be tried against this server, and why. It is reported, and is no failure. */
export class NotRun extends Error {}

/** Characters of what came that a report shows. */
const SHOWN_CHARS_MAX = 400

/** A value for people, on one line and of bounded length. */
export function shown(value: unknown): string {
  const options = { depth: 6, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 200 }
  // Long lists are broken into lines whatever the width.
  const text = inspect(value, options).replaceAll(/\n\s*/g, ' ')
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text
}

/** Fails unless the condition holds. `expected` reads behind “expected”. */
export function holds(condition: boolean, expected: string, came: unknown): void {
  if (!condition) throw new Broken(expected, shown(came))
}

/** Fails unless both are deeply equal. `what` names the left one. */
export function equal(what: string, came: unknown, expected: unknown): void {
  holds(isDeepStrictEqual(came, expected), `${what} to be ${shown(expected)}`, came)
}

/** Fails unless the object has these fields with these values; others are free [P-14.1]. */
export function like(what: string, came: unknown, expected: Readonly<Record<string, unknown>>): void {
  const fields = (came ?? {}) as Record<string, unknown>
  const fits = Object.entries(expected).every(([field, value]) => isDeepStrictEqual(fields[field], value))
  holds(fits, `${what} with ${shown(expected)}`, came)
}

/** Fails unless the value is one of a list. */
export function oneOf(what: string, came: unknown, allowed: readonly unknown[]): void {
  holds(allowed.includes(came), `${what} to be one of ${allowed.map(String).join(', ')}`, came)
}
