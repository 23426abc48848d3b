// What the benchmark tells its sink, and what the sink tells back: messages between two processes.

/** A step of a client on its way in: it waits for so many messages, and then says something. */
export interface ClientStep {
  readonly after: number
  readonly text: string
}

/** One client to open. */
export interface ClientPlan {
  /** Path and query of the upgrade. */
  readonly path: string
  /** A further header of the upgrade, such as a token's. */
  readonly header?: string
  /** Its own loopback address; the system's choice if unset. */
  readonly from?: string
  /** What it says once it is upgraded. */
  readonly steps: readonly ClientStep[]
  /** Messages after the last step with which it is open. */
  readonly readyAfter: number
}

/** To the sink. */
export type SinkOrder =
  /** Opens the clients of one server, a group; answered by `opened`. */
  | { readonly kind: 'open'; readonly group: string; readonly port: number; readonly clients: readonly ClientPlan[] }
  /** Begins a slice; each complete turn is told by `turn`. */
  | { readonly kind: 'begin'; readonly group: string; readonly messagesOfTurn: number }
  /** Ends it; `expected` is what each client should have received. Answered by `counted`. */
  | { readonly kind: 'end'; readonly expected: readonly number[] }

/** What a group received in one slice. */
export interface Counted {
  readonly messages: number
  readonly bytes: number
  /** Clients that received more or less than they should have. */
  readonly wrong: number
  /** Clients whose connection is gone. */
  readonly lost: number
  /** The sink's own CPU time for the time that went by: 1 is a sink that could not have read faster. */
  readonly load: number
}

/** From the sink. */
export type SinkReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'opened' }
  | { readonly kind: 'turn'; readonly turns: number }
  | ({ readonly kind: 'counted' } & Counted)
  | { readonly kind: 'failed'; readonly why: string }
