import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createEventShare, type SharingSocket } from './event-share.ts'

/** A socket as far as a share knows it. */
const socket = (): SharingSocket =>
  ({ eventsInTurn: 0, _receiver: { _allowSynchronousEvents: true } }) as unknown as SharingSocket
const tellsAtOnce = (peer: SharingSocket): unknown => Object(peer)._receiver._allowSynchronousEvents

test('a socket has eight events in a turn, and as many in the next', async () => {
  const share = createEventShare()
  const ann = socket()
  for (let time = 0; time < 2; time++) {
    for (let event = 0; event < 7; event++) share.count(ann)
    expect(tellsAtOnce(ann)).toBe(true)
    share.count(ann)
    expect(tellsAtOnce(ann)).toBe(false)
    await turn()
    expect(tellsAtOnce(ann)).toBe(true)
  }
})

test('a release of ws without the switch is noticed at the first socket', () => {
  expect(() => createEventShare().begin(Object.assign(socket(), { _receiver: {} }))).toThrow('this release of ws')
})
