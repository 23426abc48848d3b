// Why a start ended that no second start would mend. The process ends with 2 and says the reason; everything else that ends a start is
// a fault, and worth another try.

/** What an operator must mend: its message names the setting or the peer, and never holds a secret. */
export class Refused extends Error {
  override readonly name: string = 'Refused'
}
