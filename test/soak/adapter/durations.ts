// Durations as k6 writes them: `1h30m`, `90s`, `1500ms`; a bare number is milliseconds.

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const FORM = /^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/

/**
 * Reads one.
 *
 * @param name - of the option, for the error
 * @throws TypeError for what is none
 */
export function durationMs(written: unknown, name: string): number {
  if (typeof written === 'number' && written >= 0) return written
  if (typeof written !== 'string' || !FORM.test(written)) throw new TypeError(`${name}: ${written} is no duration`)
  return [...written.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (UNITS_MS[unit ?? ''] ?? 0),
    0,
  )
}
