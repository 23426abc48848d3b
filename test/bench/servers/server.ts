// What every server of the benchmark is to the measuring: a process, a port for clients, and a NATS prefix of its own, so that
// what is published to one costs the others nothing.

/** One server, ready for clients. */
export interface BenchServer {
  /** As the report calls it. */
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly prefix: string
  /** The gateway's clients sign in and join; a peer's clients say their rooms in the address. */
  readonly kind: 'gateway' | 'peer'
}
