// What a connection costs a gateway, and a member a router, as the slope between two numbers of sockets: what a process holds without
// any goes out.

import { setTimeout as pause } from 'node:timers/promises'
import { type PresenceCluster, startPresenceCluster } from './cluster.ts'
import { type Memory, memoryOf } from './memory-of.ts'
import { openSocket, openSockets } from './socket.ts'

/** What presence is to the sockets: off, on, or watched by each of them. */
export type PresenceUse = 'off' | 'on' | 'watched'

/** What is measured. */
export interface MemoryPlan {
  /** Numbers of sockets between which the slope is taken. */
  readonly from: number
  readonly to: number
  /** Each socket is in two rooms, each with so many members. */
  readonly roomMembers: number
  /** Members of a room are spread over so many gateways, each of which has an entry of its own for it. */
  readonly gateways: number
}

/** Bytes for each of what was added. */
export interface MemoryFigures {
  readonly use: PresenceUse
  readonly perSocket: Memory
  /** For each membership: a user in a room, on one gateway; its share of the directory of users is within. */
  readonly perMembership: Memory
}

/** Room entries are gathered, written and followed within a second. */
const SETTLE_MS = 2000
const ROOMS_EACH = 2

/** Takes the slopes on gateways and two routers of their own. */
export async function measureMemory(use: PresenceUse, plan: MemoryPlan): Promise<MemoryFigures> {
  await using cluster = await startPresenceCluster(plan.gateways, use !== 'off')
  await grow(cluster, use, plan, 0, plan.from)
  const before = await look(cluster)
  await grow(cluster, use, plan, plan.from, plan.to)
  const after = await look(cluster)
  const added = plan.to - plan.from
  return {
    use,
    perSocket: share(before.gateway, after.gateway, added / plan.gateways),
    perMembership: share(before.router, after.router, added * ROOMS_EACH),
  }
}

async function grow(
  { gateways }: PresenceCluster,
  use: PresenceUse,
  { roomMembers }: MemoryPlan,
  from: number,
  to: number,
): Promise<void> {
  const urlOf = (at: number): string => gateways[at % gateways.length]?.url ?? ''
  const sockets = await openSockets(to - from, (n) => openSocket(urlOf(n), `user${from + n}`))
  const watch = use === 'watched' ? { presence: true } : {}
  for (let room = 0; room < ROOMS_EACH; room++) {
    for (let at = 0; at < sockets.length; at += JOINS_AT_ONCE) {
      const some = sockets.slice(at, at + JOINS_AT_ONCE)
      const name = (n: number): string => `${room}-${Math.floor((from + at + n) / roomMembers)}`
      await Promise.all(some.map((socket, n) => socket.ok({ type: 'join', room: name(n), ...watch })))
    }
  }
  await pause(SETTLE_MS)
}

const JOINS_AT_ONCE = 200

async function look({ gateways, routers }: PresenceCluster): Promise<{ gateway: Memory; router: Memory }> {
  const [gateway, router] = await Promise.all([...gateways.slice(0, 1), ...routers.slice(0, 1)].map(memoryOf))
  if (gateway === undefined || router === undefined) throw new Error('no gateway or no router')
  return { gateway, router }
}

function share(before: Memory, after: Memory, among: number): Memory {
  return {
    heapBytes: (after.heapBytes - before.heapBytes) / among,
    privateBytes: (after.privateBytes - before.privateBytes) / among,
  }
}
