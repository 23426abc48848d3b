// What people see when a local run is ready: where everything is, two tokens, and a snippet for a browser's console. Pure.

/** What there is to tell. */
export interface Announcement {
  readonly seconds: number
  readonly processes: readonly { readonly name: string; readonly addresses: readonly string[] }[]
  /** The first gateway's WebSocket address. */
  readonly socketUrl: string
  /** The page's address. */
  readonly pageUrl: string
  /** By user; empty if tokens are not checked with the known local secret, as then we can sign none. */
  readonly tokens: readonly { readonly user: string; readonly token: string }[]
}

/** The text of the ready message. */
export function formatAnnouncement({ seconds, processes, socketUrl, pageUrl, tokens }: Announcement): string {
  const width = Math.max(...processes.map(({ name }) => name.length))
  const lines = [`Sluice is ready (${seconds.toFixed(1)} s).`, '']
  for (const { name, addresses } of processes) lines.push(`  ${name.padEnd(width)}  ${addresses.join('  ')}`)
  lines.push('', `Chat in two browser tabs: ${pageUrl}`)
  const first = tokens[0]
  if (first === undefined) lines.push('', 'Tokens are checked as you configured it, so none are printed here.')
  else lines.push(...tokenLines(tokens), ...snippetLines(socketUrl, first))
  return lines.join('\n')
}

function tokenLines(tokens: Announcement['tokens']): string[] {
  return [
    '',
    'Tokens for a day (others: npm run -s token -- carol --help):',
    ...tokens.flatMap(({ user, token }) => ['', `  ${user}`, token]),
  ]
}

function snippetLines(socketUrl: string, { user, token }: { readonly user: string; readonly token: string }): string[] {
  return [
    '',
    `Or paste this into a browser's console, as ${user}:`,
    '',
    `var ws = new WebSocket('${socketUrl}?token=${token}')`,
    'ws.onmessage = ({ data }) => console.log(data)',
    `ws.onclose = ({ code, reason }) => console.log('closed', code, reason)`,
    `ws.onopen = () => ws.send(JSON.stringify({ id: 1, type: 'join', room: 'chat:lobby' }))`,
    `// then: ws.send(JSON.stringify({ id: 2, type: 'publish', room: 'chat:lobby', data: { text: 'hi' } }))`,
  ]
}
