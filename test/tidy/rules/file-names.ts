// Files are named by what they own: kebab-case nouns. A name that fits anything collects everything.
import type { Offence, Rule } from '../offence.ts'

const packages = /^(client|deploy|gateway|proto|router|service|test)\//
const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/
const vague = new Set(['common', 'helper', 'helpers', 'misc', 'shared', 'stuff', 'type', 'types', 'util', 'utils'])

/** Every file and folder below the packages has a name that says what it owns. */
export const fileNames: Rule = (files) =>
  files
    .filter(({ path }) => packages.test(path))
    .flatMap(({ path }) => path.split('/').flatMap((part) => judge(path, part)))

function judge(path: string, part: string): Offence[] {
  // The versions of vectors are their folders' names, and tools want their files spelt their own way.
  if (/^(Dockerfile|README\.md|Chart\.yaml|_[a-z-]+\.tpl|NOTES\.txt|\.[a-z]+)$/.test(part)) return []
  const stem = part.slice(0, part.includes('.') ? part.indexOf('.') : undefined)
  if (vague.has(stem)) {
    const instead = 'name it by what it owns, or move its parts to the files that own them'
    return [{ path, line: 1, what: `is called ${part}`, why: 'the name fits anything', instead }]
  }
  if (kebab.test(part)) return []
  return [{ path, line: 1, what: `is called ${part}`, why: 'names are kebab-case nouns', instead: 'rename it' }]
}
