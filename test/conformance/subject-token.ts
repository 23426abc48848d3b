// Names as tokens of NATS subjects and headers [P-2.8], and the subjects of chapter 9. The suite's own, so that it shares no mistake with
// the server that it tests.

/** A name as a token. */
export function tokenOf(name: string): string {
  let token = ''
  for (const byte of Buffer.from(name)) {
    const char = String.fromCharCode(byte)
    token += /[A-Za-z0-9_-]/.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return token
}

/** Where a service publishes to a room. */
export function roomSubject(prefix: string, room: string): string {
  const colon = room.indexOf(':')
  const namespace = colon === -1 ? 'default' : room.slice(0, colon)
  return `${prefix}.room.${namespace}.${tokenOf(room.slice(colon + 1))}`
}
