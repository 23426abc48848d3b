// Dependencies point one way: gateway and router stand on service and proto, service and client on proto, and none knows another
// of its kind; tests may see all. Inside a tier, main.ts stands on the composition root, which stands on the parts.
import { builtinModules } from 'node:module'
import { type Import, importsOf, packageOf } from '../imports.ts'
import type { Offence, Rule } from '../offence.ts'
import { isScript, isShipped, isTest, type SourceFile } from '../source-file.ts'

const contract = /^@sluice\/proto(\/msgpack)?$/
/** The library's entry for msgpack takes the encoding without the schemas around it: browsers pay for each byte. */
const contractForClient = /^@sluice\/proto(\/msgpack(-reader|-writer)?)?$/
const chassis = /^@sluice\/service\/[a-z]/
const tiers = new Set(['gateway', 'router'])
const builtins = new Set(builtinModules)
const entries = /^(gateway|router)\/src\/main\.ts$/
const roots = /^(gateway\/src\/gateway|router\/src\/router)\.ts$/

/** Every import of the repository points down. */
export const importDirections: Rule = (files) =>
  files.filter(({ path }) => isScript(path)).flatMap((file) => importsOf(file).flatMap((found) => judge(file, found)))

function judge(file: SourceFile, found: Import): Offence[] {
  const { path } = file
  const own = partOf(path)
  const offence = (why: string, instead: string): Offence[] => [
    { path, line: found.line, what: `imports ${found.specifier}`, why, instead },
  ]
  if (own === 'test' || own === '') return []
  if (found.target !== null) return judgeRelative(path, found.target, offence)
  if (packageOf(found.specifier).startsWith('@sluice/') && !isTest(path)) {
    if (own === 'proto') return offence('proto stands on no other package', 'import the file by its relative path')
    if (
      (own === 'client' ? contractForClient : contract).test(found.specifier) ||
      (tiers.has(own) && chassis.test(found.specifier))
    )
      return []
    const below = tiers.has(own) ? 'service and proto' : 'proto alone'
    return offence(`${own} stands on ${below}`, 'move what both need below them, or pass it as an argument')
  }
  const browsers = isShipped(path) && (own === 'proto' || own === 'client')
  if (browsers && (found.specifier.startsWith('node:') || builtins.has(found.specifier))) {
    return offence(`${own} runs in browsers too`, 'use what Node and browsers share, or take it as an argument')
  }
  return []
}

/** What the local runner takes of the gateway: the known secret, and the signing of tokens with it. */
const localTokens = new Set(['gateway/src/config/local-secret.ts', 'gateway/src/accept/authenticate/local-token.ts'])

function judgeRelative(path: string, target: string, offence: (why: string, instead: string) => Offence[]): Offence[] {
  if (partOf(target) !== partOf(path)) {
    if (isTest(path) && target.startsWith('test/harness/')) return []
    if (path.startsWith('deploy/local/') && localTokens.has(target)) return []
    return offence(
      'packages know each other by name only, not by path',
      'import it from @sluice/proto or @sluice/service, or keep a copy of what belongs to neither',
    )
  }
  if (isTest(path)) return []
  if (entries.test(target)) return offence('main.ts is where a process begins', 'move what is needed into a part')
  if (roots.test(target) && !entries.test(path)) {
    return offence('parts know nothing of the composition root', 'take what is needed as an argument')
  }
  return []
}

/** The top folder of a path: a package, or `deploy` or `test`; empty for files at the root. */
function partOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : ''
}
