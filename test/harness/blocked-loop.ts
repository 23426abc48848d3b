// Blocks the event loop of a real process from inside, through Node's own inspector: JavaScript runs and returns to nothing, while the
// kernel goes on accepting and filling buffers. A stopped process would not know of it.
import { WebSocket } from 'ws'
import type { Child } from './child.ts'
import { within } from './until.ts'

/** Variables of a process that is to be blocked. */
export const BLOCKABLE = { NODE_OPTIONS: '--inspect=127.0.0.1:0' } as const

const LISTENING = 'Debugger listening on '

/**
 * Blocks it; resolves when it is free again.
 *
 * @param child - started with {@link BLOCKABLE}
 */
export async function blockLoop(child: Child, ms: number): Promise<void> {
  const line = await child.line((said) => said.startsWith(LISTENING), 'the inspector')
  const inspector = new WebSocket(line.slice(LISTENING.length))
  try {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    inspector.on('open', () => {
      const expression = `{ const end = performance.now() + ${ms}; while (performance.now() < end); }`
      inspector.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }))
    })
    inspector.on('message', () => resolve())
    inspector.on('error', reject)
    await within(ms + 20_000, 'the end of the block', promise)
  } finally {
    inspector.terminate()
  }
}
