// What one field of the configuration demands of another: the form of such a rule; the rules stand beside the schemas. Pure; the
// loader asks when all fields have been read, and leaves out relations whose fields are mistakes already.

/** What a relation may look at. */
export interface Given<Config> {
  readonly config: Config
  /** Whether the file or the environment sets a field, as opposed to a default or the content of a secret's file. */
  isSet(path: string): boolean
}

/** A rule between fields. */
export interface Relation<Config> {
  /** The fields that a mistake names. */
  readonly paths: readonly string[]
  readonly sentence: string
  holds(given: Given<Config>): boolean
}

/** A relation that does not hold. */
export interface Broken {
  readonly paths: readonly string[]
  readonly sentence: string
}

/** Those of the relations that do not hold, in their order. */
export function brokenAmong<Config>(relations: readonly Relation<Config>[], given: Given<Config>): readonly Broken[] {
  return relations.filter((relation) => !relation.holds(given))
}

/** How many of these fields are set. */
export function countSet({ isSet }: Pick<Given<unknown>, 'isSet'>, paths: readonly string[]): number {
  return paths.filter((path) => isSet(path)).length
}
