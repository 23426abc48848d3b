// What others say of their users is bounded before it becomes part of a frame: `info` that is too large, or too deep to be printed, is
// left out. Gateways never write such; whoever else may write into the bucket could. Pure.
import { INFO_BYTES_MAX } from '@sluice/proto'

/** The same members, without `info` that no token could have brought. */
export function withShownInfo<member extends { readonly info?: unknown }>(members: readonly member[]): member[] {
  return members.map((member) => {
    if (member.info === undefined || fits(member.info)) return member
    const { info: _, ...rest } = member
    return rest as member
  })
}

function fits(info: unknown): boolean {
  try {
    return Buffer.byteLength(JSON.stringify(info)) <= INFO_BYTES_MAX
  } catch {
    // Nested deeper than the stack.
    return false
  }
}
