// What this process was built from, as `/metrics` and the log tell it.
import { readFileSync } from 'node:fs'
import { PROTOCOL_VERSION } from '@sluice/proto'
import type { Build } from '@sluice/service/metrics/process-metrics'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

/** Versions of the router, of Node and of the protocol. */
export const BUILD: Build = { version: manifest.version, node: process.version, protocol: PROTOCOL_VERSION }
