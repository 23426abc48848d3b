// Each outside technology has one home, so that replacing it, or learning what it can do to us, is the work of one folder.
// Type imports count: a part that names a library's types is written against that library.
import { importsOf, packageOf } from '../imports.ts'
import type { Offence, Rule } from '../offence.ts'
import { isScript, isTest, type SourceFile } from '../source-file.ts'

interface Home {
  /** Specifiers that have this home. */
  readonly of: RegExp
  /** What the paths begin with from which they may be imported. */
  readonly in: readonly string[]
}

const homes: readonly Home[] = [
  { of: /^ws$/, in: ['gateway/src/accept/'] },
  { of: /^node:https?$/, in: ['gateway/src/accept/', 'service/src/admin/', 'deploy/local/'] },
  { of: /^@nats-io\//, in: ['gateway/src/backplane/', 'service/src/nats/', 'service/src/jetstream/'] },
  { of: /^jose(\/|$)/, in: ['gateway/src/accept/authenticate/'] },
  { of: /^pino(-pretty)?$/, in: ['service/src/log.ts'] },
  { of: /^prom-client$/, in: ['service/src/metrics/'] },
  { of: /^zod$/, in: ['gateway/src/', 'router/src/', 'service/src/', 'deploy/local/'] },
  { of: /^zod\/mini$/, in: ['proto/src/', 'client/src/'] },
  { of: /^@opentelemetry\//, in: ['gateway/src/trace/opentelemetry.ts', 'gateway/src/trace/span-gate.ts'] },
  { of: /^msgpackr(\/|$)/, in: ['proto/src/msgpack'] },
]

/** Examples for authors of services: they stand on the NATS client alone, as a service of anyone would. */
const examples = /^deploy\/services\//

/** Every import of a package, or of a built-in that has a home, is made there; tests are free. */
export const importHomes: Rule = (files) =>
  files
    .filter(
      ({ path }) =>
        isScript(path) && path.includes('/') && !path.startsWith('test/') && !examples.test(path) && !isTest(path),
    )
    .flatMap(judge)

function judge(file: SourceFile): Offence[] {
  return importsOf(file).flatMap(({ specifier, target, line }): Offence[] => {
    if (target !== null || packageOf(specifier).startsWith('@sluice/')) return []
    const what = `imports ${specifier}`
    const home = homes.find(({ of }) => of.test(specifier))
    if (home === undefined) {
      if (specifier.startsWith('node:')) return []
      const instead = 'do without it, or give it a home in test/tidy/rules/import-homes.ts and a reason in DECISIONS.md'
      return [{ path: file.path, line, what, why: 'this package has no home', instead }]
    }
    if (home.in.some((prefix) => file.path.startsWith(prefix))) return []
    const instead = 'ask that part through its own interface'
    return [{ path: file.path, line, what, why: `its home is ${home.in.join(', ')}`, instead }]
  })
}
