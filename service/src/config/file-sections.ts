// Both tiers read one configuration file. Each section at its top has an owner, one tier or both, who judges every key in it. What
// only routers have, or have with another value than gateways on the same machine (name, admin port), is below `router`: then
// `router.admin.port` is SLUICE_ROUTER_ADMIN_PORT by the same mechanical rule, and no variable means two things. A tier may read
// single fields of the other's section, by having them in its schema; all else there it leaves to the owner.

/** A kind of process. */
export type Tier = 'gateway' | 'router'

/** Every section of the file, and every field that stands at its top, with its owner. */
export const SECTION_OWNERS = {
  local: 'gateway',
  name: 'gateway',
  listen: 'gateway',
  admin: 'gateway',
  auth: 'gateway',
  accept: 'gateway',
  compression: 'gateway',
  limits: 'gateway',
  overload: 'gateway',
  drain: 'gateway',
  readiness: 'gateway',
  presence: 'gateway',
  trace: 'gateway',
  nats: 'both',
  log: 'both',
  namespaces: 'both',
  inbox: 'both',
  router: 'router',
} as const satisfies Readonly<Record<string, Tier | 'both'>>

/** What stands at the top of the file. */
export type Section = keyof typeof SECTION_OWNERS

/** The sections that a tier owns: its schema has all of them, and may have fields of others. */
export type SectionOf<T extends Tier> = {
  [name in Section]: (typeof SECTION_OWNERS)[name] extends T | 'both' ? name : never
}[Section]

/** The sections that a tier does not own. */
export function sectionsForeignTo(tier: Tier): readonly Section[] {
  const sections = Object.keys(SECTION_OWNERS) as Section[]
  return sections.filter((name) => SECTION_OWNERS[name] !== tier && SECTION_OWNERS[name] !== 'both')
}
