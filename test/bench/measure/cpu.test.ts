import { expect, test } from 'vitest'
import { cpuMillisOf, parseSchedstat } from './cpu.ts'

test('time on a CPU is the first figure of schedstat', () => {
  expect(parseSchedstat('330547278 5016933 31\n')).toBe(330_547_278)
})

test('what is no schedstat is an error', () => {
  expect(() => parseSchedstat('')).toThrow('schedstat')
  expect(() => parseSchedstat('x 1 2')).toThrow('schedstat')
})

test('a process that works uses CPU time', ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux tells the CPU time of a process')
  const before = cpuMillisOf(process.pid)
  const started = process.cpuUsage()
  while (process.cpuUsage(started).user < 50_000);
  expect(cpuMillisOf(process.pid) - before).toBeGreaterThan(20)
})
