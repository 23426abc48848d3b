// Loads what peers are made of from the ignored folder that the benchmark installs them into: none of it is a dependency of the
// repository.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Where packages and programs of peers are. */
export const PEERS_FOLDER: string = fileURLToPath(new URL('../../../.sluice/peers/', import.meta.url))

/**
 * Loads a package of a peer; the caller knows its shape.
 *
 * @throws Error if it is not there
 */
export function requireOfPeers(name: string): unknown {
  return createRequire(`${PEERS_FOLDER}package.json`)(name)
}
