// Files of a package form no cycle, types included: what needs each other is one file, or a third one is missing.
import { importsOf } from '../imports.ts'
import type { Offence, Rule } from '../offence.ts'
import { isScript } from '../source-file.ts'

interface Edge {
  readonly target: string
  readonly line: number
}

/** No file imports itself through others. Each cycle is reported once, at the import that closes it. */
export const importCycles: Rule = (files) => {
  const graph = new Map<string, Edge[]>()
  for (const file of files) {
    if (!isScript(file.path)) continue
    const edges = importsOf(file).flatMap(({ target, line }) => (target === null ? [] : [{ target, line }]))
    graph.set(file.path, edges)
  }
  const offences: Offence[] = []
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    if (done.has(path)) return
    const here = [...trail, path]
    for (const { target, line } of graph.get(path) ?? []) {
      const start = here.indexOf(target)
      if (start === -1) walk(target, here)
      else offences.push(offence(path, line, [...here.slice(start), target]))
    }
    done.add(path)
  }
  for (const path of graph.keys()) walk(path, [])
  return offences
}

function offence(path: string, line: number, cycle: readonly string[]): Offence {
  return {
    path,
    line,
    what: `closes the cycle ${cycle.join(' -> ')}`,
    why: 'no file of a cycle can be read, tested or moved alone',
    instead: 'take the lower part as an argument, or move what both need into a file below them',
  }
}
