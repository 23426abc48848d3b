// The address that rates are counted by: the peer's own, or what a trusted proxy says of it. Pure but for the list it is given.
import { BlockList, isIP, isIPv6 } from 'node:net'

/**
 * Makes the list of trusted proxies.
 *
 * @param entries - addresses and CIDR ranges
 * @throws for an entry that is neither; the configuration has checked them before
 */
export function proxyList(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}

/**
 * The client's address: `X-Forwarded-For` is read from its end, as far as those who wrote it are trusted.
 *
 * @param peer - the socket's remote address
 * @param forwardedFor - the header, if there is one
 */
export function clientAddress(peer: string, forwardedFor: string | undefined, trusted: BlockList): string {
  let address = plain(peer)
  const hops = (forwardedFor ?? '').split(',')
  while (hops.length > 0 && isTrusted(address, trusted)) {
    const hop = plain((hops.pop() ?? '').trim())
    // A proxy that writes something else than addresses is believed no further.
    if (isIP(hop) === 0) break
    address = hop
  }
  return address
}

/** The key that an address's rate is counted under: an IPv6 host owns a whole /64 and could choose a new address for each try. */
export function rateKey(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const front = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const back = tail === '' ? [] : tail.split(':')
    while (front.length + back.length < 8) front.push('0')
  }
  return front
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16).toString(16))
    .join(':')
}

function isTrusted(address: string, trusted: BlockList): boolean {
  const family = isIP(address)
  return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** IPv4 in the form that a dual-stack socket reports becomes plain. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}
