// The search as CI has time for: each target for some seconds, from the corpus, with a fixed seed. `npm run fuzz -- --seconds 600` searches on.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { startChild } from '../harness/child.ts'
import { chanceOf, mutate } from './mutate.ts'

const MAIN = resolve(import.meta.dirname, 'main.ts')

test.for(['json', 'msgpack', 'upgrade'])('no input breaks a promise of %s', async (target, { skip }) => {
  skip(target === 'upgrade' && !existsSync('/proc/self/fd'), 'descriptors are counted in /proc, which is not here')
  const child = startChild({
    command: process.execPath,
    // A bound on memory: what grows with hostile lengths ends the process, and the test.
    args: ['--max-old-space-size=256', MAIN, '--target', target, '--seconds', '4', '--seed', '20261125'],
    env: { PATH: process.env.PATH },
  })
  const { code } = await child.exited
  const said = child.lines.join('\n')
  expect({ code, said }).toMatchObject({
    code: 0,
    said: expect.stringMatching(/seed 20261125, \d+ inputs, \d+ blocks reached/),
  })
  const [, inputs = '0'] = /, (\d+) inputs/.exec(said) ?? []
  expect(Number(inputs)).toBeGreaterThan(100)
  console.log(child.lines.at(-1))
})

test('one seed makes one series of inputs', () => {
  const made = () => {
    const material = {
      chance: chanceOf(7),
      corpus: [Buffer.from('{"type":"ping"}')],
      words: [Buffer.from('"')],
      bytesMax: 100,
    }
    return Array.from({ length: 50 }, () => Buffer.from(mutate(material)).toString('hex'))
  }
  expect(made()).toEqual(made())
  expect(new Set(made()).size).toBeGreaterThan(40)
})
