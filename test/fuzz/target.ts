// What can be fuzzed: a thing that takes bytes and has promises about all of them. Knows nothing of where the bytes come from.

/** One thing under fuzz. */
export interface Target extends AsyncDisposable {
  /** Whether the URL of a script is of the code whose blocks guide the search. */
  covers(url: string): boolean
  /** Inputs that are right or nearly so, to begin with. */
  readonly seeds: readonly Uint8Array[]
  /** Pieces that mutations put in. */
  readonly words: readonly Uint8Array[]
  /** More bytes than this are not tried. */
  readonly bytesMax: number
  /** Inputs tried side by side. */
  readonly width: number
  /** Tries one input. @throws for a broken promise */
  run(input: Uint8Array): void | Promise<void>
  /** Looks at what is left when many inputs have been tried. @throws for a broken promise */
  settled(): Promise<void>
}

/** The bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
