// Maps what scripts import from k6 onto this adapter, before a script is loaded. A module of k6 that is not offered is refused by name.
import { registerHooks } from 'node:module'

const MODULES: ReadonlyMap<string, string> = new Map(
  ['k6', 'k6/metrics', 'k6/websockets', 'k6/crypto', 'k6/encoding', 'k6/execution', 'k6/timers'].map((name) => [
    name,
    new URL(`./modules/${name.replace(/^k6\//, '')}.ts`, import.meta.url).href,
  ]),
)

/** From now on, for all of the process. */
export function offerK6Modules(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const url = MODULES.get(specifier)
      if (url !== undefined) return { url, shortCircuit: true }
      if (specifier.startsWith('k6/')) throw new TypeError(`${specifier} is not offered by test/soak/adapter`)
      return next(specifier, context)
    },
  })
}
