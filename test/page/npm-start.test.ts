import { expect, test } from 'vitest'
import { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { isFree } from '../harness/ports.ts'
import { localStart } from './local-start.ts'

async function taken(ports: readonly number[]): Promise<number[]> {
  const free = await Promise.all(ports.map((port) => isFree(port)))
  return ports.filter((_, at) => !free[at])
}

test('`npm start` comes up, its printed token works on both gateways, Ctrl-C leaves nothing running, and it starts again', async () => {
  await using local = await localStart()
  for (const round of [1, 2]) {
    if (round === 2) local.again()
    await local.ready()
    expect(await taken(local.ports)).toEqual([...local.ports])
    const token = await local.child.line((line) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(line), 'a token')
    await using one = new Client(local.socket(1), { token, by: 'query' })
    await using two = new Client(local.socket(2), { token, by: 'query' })
    for (const client of [one, two]) await (await client.opened()).welcome()
    await two.join('chat:lobby')
    await one.ok({ type: 'publish', room: 'chat:lobby', data: { round } })
    expect(await two.message()).toMatchObject({ room: 'chat:lobby', data: { round } })

    local.interrupt()
    const { code, signal } = await local.child.exited
    // npm hands the signal on as its own end, or the run’s code.
    expect(code === 0 || code === 130 || signal === 'SIGINT').toBe(true)
    expect(local.child.lines.join('\n')).toContain('nothing is left running')
    await eventually(() => taken(local.ports)).toEqual([])
    expect((await one.closed).code).toBe(1012)
  }
})
