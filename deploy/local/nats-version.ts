// Versions of nats-server: what `nats-server -v` prints, compared. Pure; it runs nothing.

/** A version by its parts. `prerelease` is empty for a release. */
export interface Version {
  readonly major: number
  readonly minor: number
  readonly patch: number
  readonly prerelease: string
}

/** The oldest nats-server that Sluice works with: per-message TTLs and multi-subject direct gets came with 2.11. */
export const NATS_VERSION_MIN: Version = { major: 2, minor: 11, patch: 0, prerelease: '' }

const versionPattern = /\bv?(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?:-([0-9A-Za-z.-]{1,64}))?/

/**
 * Finds the version in what `nats-server -v` prints (`nats-server: v2.15.2`).
 *
 * @returns null if the text holds none
 */
export function parseVersion(text: string): Version | null {
  const match = versionPattern.exec(text)
  if (match === null) return null
  return {
    major: Number(match[1]),
    minor: Number(match[2]),
    patch: Number(match[3]),
    prerelease: match[4] ?? '',
  }
}

/** Whether a version is the minimum or newer. A pre-release comes before its release: 2.11.0-RC.1 is below 2.11.0. */
export function isAtLeast(version: Version, minimum: Version): boolean {
  if (version.major !== minimum.major) return version.major > minimum.major
  if (version.minor !== minimum.minor) return version.minor > minimum.minor
  if (version.patch !== minimum.patch) return version.patch > minimum.patch
  return version.prerelease === '' || minimum.prerelease !== ''
}

/** A version as people write it, without the leading `v`. */
export function formatVersion(version: Version): string {
  const release = `${version.major}.${version.minor}.${version.patch}`
  return version.prerelease === '' ? release : `${release}-${version.prerelease}`
}
