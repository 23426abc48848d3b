import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deflateBytesMaxOf, negotiateDeflate } from './deflate-offer.ts'

const ANSWER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

describe('an offer is taken up', () => {
  test.each<[string, string, string, number]>([
    ['without parameters', 'permessage-deflate', ANSWER, Number.POSITIVE_INFINITY],
    ['as Chrome makes it', 'permessage-deflate; client_max_window_bits', ANSWER, Number.POSITIVE_INFINITY],
    [
      'with the window that the client will have',
      'permessage-deflate; client_max_window_bits=10',
      ANSWER,
      Number.POSITIVE_INFINITY,
    ],
    [
      'with the narrowest window of the client',
      'permessage-deflate; client_max_window_bits=8',
      ANSWER,
      Number.POSITIVE_INFINITY,
    ],
    [
      'without contexts',
      'permessage-deflate; client_no_context_takeover; server_no_context_takeover',
      ANSWER,
      Number.POSITIVE_INFINITY,
    ],
    [
      'with our widest window, which the answer repeats',
      'permessage-deflate; server_max_window_bits=15',
      `${ANSWER}; server_max_window_bits=15`,
      Number.POSITIVE_INFINITY,
    ],
    [
      'with a narrower window, which bounds what goes compressed',
      'permessage-deflate; server_max_window_bits=10',
      `${ANSWER}; server_max_window_bits=10`,
      1024,
    ],
    [
      'with the narrowest window of zlib',
      'permessage-deflate; server_max_window_bits="9"',
      `${ANSWER}; server_max_window_bits=9`,
      512,
    ],
    ['behind others', 'x-webkit-deflate-frame, mux; max=4, permessage-deflate', ANSWER, Number.POSITIVE_INFINITY],
    [
      'where the first of several cannot be',
      'permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=12, permessage-deflate',
      `${ANSWER}; server_max_window_bits=12`,
      4096,
    ],
  ])('%s', (_, header, answer, messageBytesMax) => {
    expect(negotiateDeflate(header)).toEqual({ answer, messageBytesMax })
  })
})

describe('an offer is declined, and the upgrade goes on without', () => {
  test.each([
    undefined,
    'mux',
    'PERMESSAGE-deflate',
    'permessage-deflate; server_max_window_bits=8',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; server_max_window_bits=7',
    'permessage-deflate; server_max_window_bits=015',
    'permessage-deflate; server_max_window_bits=1e1',
    'permessage-deflate; client_max_window_bits=16',
    'permessage-deflate; client_max_window_bits=08',
    'permessage-deflate; client_max_window_bits=ten',
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; client_no_context_takeover=true',
    'permessage-deflate; client_no_context_takeover; client_no_context_takeover',
    'permessage-deflate; client_max_window_bits; client_max_window_bits=10',
    'permessage-deflate; level=9',
  ])('%s', (header) => {
    expect(negotiateDeflate(header)).toBeNull()
  })
})

test.each(['', 'permessage-deflate;', 'permessage-deflate; client_max_window_bits=', 'permessage deflate', '"x"'])(
  '%j is no header, and fails the handshake',
  (header) => {
    expect(negotiateDeflate(header)).toBe('malformed')
  },
)

test('nothing that a header holds makes it throw or take long', () => {
  const piece = fc.constantFrom(
    'permessage-deflate',
    ';',
    ',',
    '=',
    '"',
    '\\',
    ' ',
    'server_max_window_bits',
    '9',
    '15',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 200 }).map((parts) => parts.join('')),
      ),
      (header) => {
        const agreed = negotiateDeflate(header)
        if (agreed !== null && agreed !== 'malformed') expect(agreed.answer.startsWith(ANSWER)).toBe(true)
      },
    ),
  )
  const long = `permessage-deflate; a="${'\\a'.repeat(8000)}`
  const begin = performance.now()
  expect(negotiateDeflate(long)).toBe('malformed')
  expect(performance.now() - begin).toBeLessThan(500)
})

test('who agreed on nothing takes no frame compressed', () => {
  expect([deflateBytesMaxOf(null), deflateBytesMaxOf('malformed')]).toEqual([0, 0])
  expect(deflateBytesMaxOf({ answer: ANSWER, messageBytesMax: 512 })).toBe(512)
})
