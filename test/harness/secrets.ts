// What no log may hold: every token, password and key that a test makes is noted here, and what each gateway has logged is
// searched for all of them when it stops.

// One list for a test process: tokens are made in many places and may leak in any of its gateways.
const noted = new Set<string>()

/** Parts of a token that are in all tokens say nothing. */
const PART_CHARS_MIN = 16

/** Notes a secret and returns it. Of a token its claims and its signature are noted alone too: a part is a leak as well. */
export function secret(text: string): string {
  noted.add(text)
  const parts = text.split('.')
  if (parts.length === 3) for (const part of parts.slice(1)) if (part.length >= PART_CHARS_MIN) noted.add(part)
  return text
}

/** The lines that hold a secret, with the secret's first characters. */
export function leaks(lines: readonly string[]): string[] {
  const all = lines.join('\n')
  const found = [...noted].filter((text) => all.includes(text))
  return found.flatMap((text) =>
    lines.filter((line) => line.includes(text)).map((line) => `${text.slice(0, 8)}… in: ${line}`),
  )
}
