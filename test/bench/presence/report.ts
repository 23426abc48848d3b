// The figures of presence as text. Pure.
import type { MemoryFigures, MemoryPlan } from './memory.ts'
import type { QueryFigures } from './queries.ts'
import type { WriteFigures, WriteReport } from './writes.ts'

/** Figures of writes are told for one of two gateways. */
const GATEWAYS = 2

/** Writes against sockets, against changed rooms, at rest, and for those that connect. */
export function writesAsText({ bySockets, byRooms, idle, connects, held }: WriteReport): string {
  const heads = ['sockets', 'changed rooms', 'changes/s', 'writes/s', 'writes per room', 'bytes each']
  const { sockets, writes } = connects
  return [
    'Writes of a gateway into the bucket of presence (rooms and writes are counted for each gateway)',
    '',
    'more sockets, the same rooms:',
    ...table([heads, ...bySockets.map(rowOf)]),
    'the same sockets, more rooms:',
    ...table([heads, ...byRooms.map(rowOf)]),
    `nothing changes, ${idle.sockets} sockets: ${idle.writes.room + idle.writes.user} writes, ` +
      `${(idle.writes.lease / idle.seconds).toFixed(1)} renewals/s of all four processes`,
    `${sockets} users connect: ${(writes.user / sockets).toFixed(2)} writes of the directory for each, ` +
      `${Math.round(writes.bytes / writes.user)} bytes each`,
    `the bucket holds ${held.keys} keys, ${Math.round(held.bytes / held.keys)} bytes on disk each`,
    '',
  ].join('\n')
}

/** Writes for each room that changed, and round. */
export function writesPerRoom({ writes, changedRooms, rounds }: WriteFigures): number {
  return writes.room / (changedRooms * rounds)
}

function rowOf(figures: WriteFigures): string[] {
  const { sockets, changedRooms, changes, seconds, writes } = figures
  return [
    String(sockets),
    String(changedRooms / GATEWAYS),
    (changes / seconds).toFixed(0),
    (writes.room / seconds / GATEWAYS).toFixed(1),
    writesPerRoom(figures).toFixed(2),
    (writes.bytes / (writes.room + writes.user)).toFixed(0),
  ]
}

/** The time of a question. */
export function queriesAsText(figures: QueryFigures): string {
  const { members, p50, p99, roundTripP50, roundTripP99, publishes, changes, seconds } = figures
  const rate = (count: number): string => `${(count / seconds).toFixed(0)}/s`
  return [
    `A question for ${members} members, beside ${rate(publishes)} messages to them and ${rate(changes)} changes`,
    ...table([
      ['', 'p50 ms', 'p99 ms'],
      ['question', p50.toFixed(2), p99.toFixed(2)],
      ['round trip to NATS', roundTripP50.toFixed(2), roundTripP99.toFixed(2)],
    ]),
    '',
  ].join('\n')
}

/** The memory of a connection and of a member. */
export function memoryAsText(
  { use, perSocket, perMembership }: MemoryFigures,
  { from, to, roomMembers, gateways }: MemoryPlan,
): string {
  const kilobytes = (bytes: number): string => (bytes / 1024).toFixed(2)
  return [
    `Memory from ${from} to ${to} sockets on ${gateways} gateways, each in 2 rooms of ${roomMembers}, presence ${use}`,
    ...table([
      ['', 'heap KB', 'private KB'],
      ['gateway, a socket', kilobytes(perSocket.heapBytes), kilobytes(perSocket.privateBytes)],
      ['router, a membership', kilobytes(perMembership.heapBytes), kilobytes(perMembership.privateBytes)],
    ]),
    '',
  ].join('\n')
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) => `  ${row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  ')}`)
}
