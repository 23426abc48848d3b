import { expect, test } from 'vitest'
import { createClaims } from './claims.ts'

const look = (sequence: number, { term = 't1', epoch = 'e' } = {}) => ({ term, epoch, sequence })
const claim = (offset: number, epoch = 'e') => ({ stream: 'S', epoch, offset })

/** Of a stream that was looked at for so long that its first looks are forgotten. */
function settled(sequence = 10) {
  const claims = createClaims()
  for (let n = 0; n <= 30; n++) claims.looked(look(sequence))
  return claims
}

test('a claim about a stream whose leader goes on is not listened to', () => {
  const claims = settled()
  claims.hear(claim(99))
  expect(claims.looked(look(10))).toBeNull()
})

test.each([
  ['another leader, or a new term of it', (): void => undefined, look(10, { term: 't2' })],
  ['a look that nobody answered', ({ unanswered }: ReturnType<typeof createClaims>) => unanswered(), look(10)],
])('a claim is to be judged after %s, look by look for a minute', (_, interrupt, first) => {
  const claims = settled()
  interrupt(claims)
  expect(claims.looked(first)).toBeNull()
  claims.hear(claim(12))
  claims.hear(claim(11))
  for (let n = 0; n < 29; n++) expect([n, claims.looked(first)]).toEqual([n, claim(12)])
  expect(claims.looked(first)).toBeNull()
})

test('a router that has just started listens: it does not know what was before', () => {
  const claims = createClaims()
  claims.hear(claim(12))
  expect(claims.looked(look(10))).toBeNull()
  claims.hear(claim(12))
  expect(claims.looked(look(10))).toEqual(claim(12))
})

test('a claim up to where we have seen the end ourselves is ours to judge', () => {
  const claims = settled(10)
  claims.looked(look(10, { term: 't2' }))
  claims.hear(claim(10))
  expect(claims.looked(look(10, { term: 't2' }))).toBeNull()
})

test('an end that was overgrown before a second interruption can still be claimed', () => {
  const claims = settled(10)
  claims.looked(look(20, { term: 't2' }))
  claims.looked(look(20, { term: 't3' }))
  claims.hear(claim(15))
  expect(claims.looked(look(20, { term: 't3' }))).toEqual(claim(15))
})

test('a claim under another epoch is over, and displaces none', () => {
  const claims = settled()
  claims.looked(look(10, { term: 't2' }))
  claims.hear(claim(12))
  claims.hear(claim(99, 'before'))
  expect(claims.looked(look(10, { term: 't2' }))).toEqual(claim(12))
  // Another router has written a new generation: claims under that one are no consequence of the same interruption.
  expect(claims.looked(look(10, { term: 't2', epoch: 'f' }))).toBeNull()
  claims.hear(claim(12, 'f'))
  expect(claims.looked(look(10, { term: 't2', epoch: 'f' }))).toBeNull()
})

test('once a claim was right none is listened to before the next interruption: whoever goes on claiming changes nothing', () => {
  const claims = settled()
  claims.looked(look(10, { term: 't2' }))
  claims.hear(claim(12))
  claims.settled()
  claims.hear(claim(13))
  expect(claims.looked(look(10, { term: 't2' }))).toBeNull()
  claims.looked(look(10, { term: 't3' }))
  claims.hear(claim(13))
  expect(claims.looked(look(10, { term: 't3' }))).toEqual(claim(13))
})
