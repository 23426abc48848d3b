import { expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

/** More than a gateway serves in one turn. */
const MEMBERS = 700
const LEAVING = 100
const MESSAGES = 20

test('a room that is served in slices keeps its order for everyone, while members come and go', async ({ stage }) => {
  const nats = await stage.nats()
  const accept = { userConnectionsMax: 1000, unauthenticatedMax: 1000 }
  const gateway = await stage.gateway(nats, { settings: { accept } })
  const token = await makeToken('many')
  const members = await Promise.all(
    Array.from({ length: MEMBERS }, async () => {
      const member = await stage.open(gateway, { token })
      await member.welcome(20_000)
      return member.join('chat:big')
    }),
  )
  const small = await (await stage.user(gateway, 'small')).join('chat:small')
  const service = await nats.connect()
  const leaving = members.slice(0, LEAVING)
  for (let n = 0; n < MESSAGES; n++) {
    service.publish('sluice.room.chat.big', `${n}`)
    service.publish('sluice.room.chat.small', `${n}`)
    await service.flush()
    const leaver = leaving[n]
    if (n % 2 === 0) leaver?.socket.terminate()
    else leaver?.send({ id: 'left', type: 'leave', room: 'chat:big' })
  }
  const wanted = Array.from({ length: MESSAGES }, (_, n) => n)
  for (const member of members.slice(LEAVING)) {
    await eventually(() => member.dataOf('chat:big').length, 20_000).toBe(MESSAGES)
    expect(member.dataOf('chat:big')).toEqual(wanted)
  }
  await eventually(() => small.dataOf('chat:small')).toEqual(wanted)
  for (const left of leaving) {
    const heard = left.dataOf('chat:big')
    expect(heard).toEqual(wanted.slice(0, heard.length))
    const at = left.frames.findIndex(({ id }) => id === 'left')
    if (at !== -1) expect(left.frames.slice(at).filter(({ type }) => type === 'message')).toEqual([])
  }
})
