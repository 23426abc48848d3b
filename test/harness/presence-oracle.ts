// The oracle of presence: what routers and a watcher say of rooms, held against the sockets that live. Starts nothing.
import type { NatsConnection } from '@nats-io/transport-node'
import { expect } from 'vitest'
import type { Client } from './client.ts'
import type { Crowd } from './crowd.ts'
import { eventually } from './eventually.ts'

/** Connections by user, as routers answer. */
export async function membersOf(service: NatsConnection, room: string): Promise<Record<string, number>> {
  const message = await service.request('sluice.api.presence', JSON.stringify({ room }), { timeout: 2000 })
  const { members } = message.json<{ members: { user: string; connections: number }[] }>()
  return Object.fromEntries(members.map(({ user, connections }) => [user, connections]))
}

/** What a watcher has seen of a room, and whether it makes sense: no two joins of a member without a leave between. */
function watched({ frames }: Client, room: string): { readonly users: string[]; readonly faults: string[] } {
  const here = new Set<string>()
  const faults: string[] = []
  for (const { type, room: of, members, member } of frames) {
    if (type === 'members' && of === room) {
      here.clear()
      for (const { user } of members as { user: string }[]) here.add(user)
    }
    if (of !== room || (type !== 'joined' && type !== 'left')) continue
    const { user } = member as { user: string }
    if ((type === 'joined') === here.has(user)) faults.push(`${type} ${user} twice`)
    if (type === 'joined') here.add(user)
    else here.delete(user)
  }
  return { users: [...here].sort(), faults }
}

/** Makes a client the watcher of rooms. */
export async function watch(watcher: Client, rooms: readonly string[]): Promise<void> {
  for (const room of rooms) {
    const { members } = await watcher.ok({ type: 'join', room, presence: true })
    // What it has seen begins with what the answer told.
    watcher.frames.push({ type: 'members', room, members })
  }
}

/** What {@link judgePresence} compares. */
export interface PresenceCase {
  readonly service: NatsConnection
  readonly crowd: Crowd
  readonly rooms: readonly string[]
  /** In all rooms since {@link watch}, and the only one of the user `watcher`. */
  readonly watcher: Client
}

/** After everything has settled routers and the watcher see the live sockets, and what the watcher saw on the way makes sense. */
export async function judgePresence({ service, crowd, rooms, watcher }: PresenceCase): Promise<void> {
  expect(crowd.live).toBeGreaterThan(20)
  for (const room of rooms) {
    const wanted = { ...crowd.expected(room), watcher: 1 }
    await eventually(() => membersOf(service, room), 20_000).toEqual(wanted)
    await eventually(() => watched(watcher, room).users, 20_000).toEqual(Object.keys(wanted).sort())
    expect(watched(watcher, room).faults).toEqual([])
  }
}
