// Whose a container or a network is: a label, as the reaper of testcontainers is an image that has to be pulled. What owns it removes it;
// engine-ready.ts removes what an owner has left that was killed.
import { hostname } from 'node:os'

/** The label of everything that containers tests make. */
export const OWNER_LABEL = 'sluice.tests'

/** The labels of what this process makes. */
export function ownerLabels(): Record<string, string> {
  return { [OWNER_LABEL]: `${hostname()}/${process.pid}` }
}
