// Names as NATS carries them: rooms, users and sessions become one token of a subject or one value of a header.

/** `lobby` stays `lobby`; `Team A.1` becomes `Team=20A=2E1`. */
export function token(name: string): string {
  let token = ''
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte)
    token += /[A-Za-z0-9_-]/.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return token
}

/** The name back from its token. */
export function nameOf(token: string): string {
  return decodeURIComponent(token.replaceAll('=', '%'))
}
