// Durations as people write them on a command line: a number and a unit. Pure.

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/**
 * Reads `90s`, `30m`, `1h`, `7d`; a leading minus means the past.
 *
 * @returns whole seconds, or null if it is no duration
 */
export function parseDuration(text: string): number | null {
  const match = /^(-?)(\d{1,6})([smhd])$/.exec(text)
  if (match === null) return null
  const seconds = Number(match[2]) * (secondsOf[match[3] ?? ''] ?? 0)
  return match[1] === '-' ? -seconds : seconds
}
