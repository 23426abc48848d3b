import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clientAddress, proxyList, rateKey } from './address.ts'

const trusted = proxyList(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::1'])

describe('the address of a client', () => {
  test.each<[string, string, string | undefined, string]>([
    ['is its own', '203.0.113.5', undefined, '203.0.113.5'],
    ['is its own whatever it says, unless it is trusted', '203.0.113.5', '198.51.100.1', '203.0.113.5'],
    ['is what a trusted proxy says', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['is that of the proxy if it says nothing', '10.1.2.3', undefined, '10.1.2.3'],
    ['is what the outermost trusted proxy has seen', '10.1.2.3', '198.51.100.1, 192.0.2.7', '198.51.100.1'],
    ['is not what the client itself wrote in front', '10.1.2.3', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['is not a proxy that the client made up', '10.1.2.3', '10.9.9.9, 198.51.100.1', '198.51.100.1'],
    ['is the innermost proxy if all are trusted', '10.1.2.3', '10.9.9.9, 10.8.8.8', '10.9.9.9'],
    ['is that of the proxy if it says no address', '10.1.2.3', 'unknown', '10.1.2.3'],
    ['is the last address before what is none', '10.1.2.3', '1.1.1.1, garbage, 192.0.2.7', '192.0.2.7'],
    ['is found without spaces', '10.1.2.3', '198.51.100.1,192.0.2.7', '198.51.100.1'],
    ['is plain where the socket is dual-stack', '::ffff:10.1.2.3', '::ffff:198.51.100.1', '198.51.100.1'],
    ['may be IPv6', 'fd00::5', '2001:db8::1', '2001:db8::1'],
    ['may be local', '::1', '2001:db8::1', '2001:db8::1'],
    ['may have a zone', 'fe80::1%eth0', '1.1.1.1', 'fe80::1%eth0'],
    ['may be unknown', '', '1.1.1.1', ''],
  ])('%s', (_, peer, forwardedFor, expected) => {
    expect(clientAddress(peer, forwardedFor, trusted)).toBe(expected)
  })

  test('is never invented by a client that is no trusted proxy, and nothing makes it throw', () => {
    fc.assert(
      fc.property(fc.string(), (forwardedFor) => {
        expect(clientAddress('203.0.113.5', forwardedFor, trusted)).toBe('203.0.113.5')
        clientAddress('10.1.2.3', forwardedFor, trusted)
      }),
    )
  })
})

describe('the key of an address', () => {
  test.each([
    ['203.0.113.5', '203.0.113.5'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
    ['', ''],
  ])('%s is %s', (address, key) => {
    expect(rateKey(address)).toBe(key)
  })

  test('is one for a whole /64, however it is written', () => {
    const part = fc.integer({ min: 0, max: 0xffff })
    const tuple = fc.tuple(part, part, part, part)
    fc.assert(
      fc.property(tuple, tuple, tuple, (network, one, two) => {
        const write = (host: readonly number[]): string => [...network, ...host].map((n) => n.toString(16)).join(':')
        expect(rateKey(write(one))).toBe(rateKey(write(two)))
        expect(rateKey(write(one).toUpperCase())).toBe(rateKey(write(one)))
      }),
    )
  })
})
