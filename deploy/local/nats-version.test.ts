import { expect, test } from 'vitest'
import { formatVersion, isAtLeast, NATS_VERSION_MIN, parseVersion } from './nats-version.ts'

test.each([
  ['nats-server: v2.15.2\n', '2.15.2'],
  ['nats-server: v2.11.0-RC.3', '2.11.0-RC.3'],
  ['nats-server: v2.12.0-dev', '2.12.0-dev'],
  ['2.9.25', '2.9.25'],
])('%j tells the version %s', (text, expected) => {
  const version = parseVersion(text)
  expect(version === null ? null : formatVersion(version)).toBe(expected)
})

test.each(['', 'nats-server: v2', 'command not found', 'v2.11'])('%j tells no version', (text) => {
  expect(parseVersion(text)).toBeNull()
})

test.each([
  ['2.11.0', true],
  ['2.11.1', true],
  ['2.12.0-RC.1', true],
  ['2.15.2', true],
  ['3.0.0', true],
  ['2.10.29', false],
  ['2.11.0-RC.1', false],
  ['1.99.99', false],
])('whether %s is new enough: %s', (text, expected) => {
  const version = parseVersion(text)
  expect(version !== null && isAtLeast(version, NATS_VERSION_MIN)).toBe(expected)
})
