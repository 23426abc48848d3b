// Given to a process by `--import`: writes each module that is loaded after it, ESM and CommonJS, and who asked for it, into the file
// that LOADED_MODULES names: a line of two addresses. Changes nothing of what is loaded.
import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const list = process.env.LOADED_MODULES ?? ''

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    appendFileSync(list, `${context.parentURL ?? 'main'} ${resolved.url}\n`)
    return resolved
  },
})
