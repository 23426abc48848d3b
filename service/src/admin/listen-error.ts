// Why a port could not be opened, in words for the operator who set it.

/** A port that could not be opened. Ends the start with exit code 1. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  /** The system's name for the error, `EADDRINUSE` where the port is taken. */
  readonly code: string

  constructor(code: string, address: { readonly host: string; readonly port: number; readonly setting: string }) {
    const place = `${address.host}:${address.port}`
    super(`${place} ${reasons[code] ?? `cannot be opened (${code})`}; ${address.setting} says which to use`)
    this.code = code
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another process',
  EACCES: 'may not be opened by this user',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'has a host name that nobody knows',
}
