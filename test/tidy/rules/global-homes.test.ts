import { expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { globalHomes } from './global-homes.ts'

function lines(path: string, text: string): number[] {
  return globalHomes([sourceFile(path, text)]).map(({ line }) => line)
}

test.each(['process.env.HOME', 'console.log(1)', 'Date.now()', 'new Date()', 'Math.random()', 'process.exit(1)'])(
  '%s in a part is an offence',
  (power) => {
    expect(lines('gateway/src/session/lane.ts', `const a = 1\nconst b = ${power}\n`)).toEqual([2])
    expect(lines('service/src/config/load-config.ts', `const b = ${power}\n`)).toEqual([1])
    expect(lines('client/src/client.ts', `const b = () => \`\${${power}}\`\n`)).toEqual([1])
  },
)

test.each([
  ['service/src/config/environment.ts', 'process.env.HOME'],
  ['service/src/clock.ts', 'Date.now()'],
  ['gateway/src/gateway.ts', 'build({ random: Math.random })'],
  ['service/src/process.ts', 'process.exit(1)'],
  ['gateway/src/session/lane.test.ts', 'Date.now()'],
  ['deploy/local/main.ts', 'console.log(process.env.HOME)'],
])('%s is the home of %s', (path, power) => {
  expect(lines(path, `${power}\n`)).toEqual([])
})

test('prose about them, and times that are given, are fine', () => {
  expect(
    lines('gateway/src/session/lane.ts', '// not Date.now()\nconst a = `Math.random`\nconst b = new Date(ms)\n'),
  ).toEqual([])
})
