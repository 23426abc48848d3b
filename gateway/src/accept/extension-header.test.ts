import { expect, test } from 'vitest'
import { parseExtensions } from './extension-header.ts'

test.each<[string, unknown]>([
  ['x', [{ name: 'x', parameters: [] }]],
  [
    'x, y',
    [
      { name: 'x', parameters: [] },
      { name: 'y', parameters: [] },
    ],
  ],
  [
    'x;a;b=1',
    [
      {
        name: 'x',
        parameters: [
          ['a', null],
          ['b', '1'],
        ],
      },
    ],
  ],
  [
    ' x ; a = 1 ,\ty ',
    [
      { name: 'x', parameters: [['a', '1']] },
      { name: 'y', parameters: [] },
    ],
  ],
  ['x; a="12"', [{ name: 'x', parameters: [['a', '12']] }]],
  ['x; a="1\\2"', [{ name: 'x', parameters: [['a', '12']] }]],
  [
    'x; a; a',
    [
      {
        name: 'x',
        parameters: [
          ['a', null],
          ['a', null],
        ],
      },
    ],
  ],
  [
    ', x,, y',
    [
      { name: 'x', parameters: [] },
      { name: 'y', parameters: [] },
    ],
  ],
])('%s is read', (header, offers) => {
  expect(parseExtensions(header)).toEqual(offers)
})

test.each([
  '',
  '  ',
  ';',
  'x;',
  'x;,y',
  'x;;a',
  'x=1',
  'x y',
  'x; a=',
  'x; a=""',
  'x; a="1',
  'x; a="1 2"',
  'x; a="1"2',
  'x; a=1=2',
  'x; "a"',
  'x; a=\u00e4',
  `x${'; a'.repeat(64)}`,
])('%j is against the grammar', (header) => {
  expect(parseExtensions(header)).toBeNull()
})
