// Finds the fields of one schema by where something stands in the file. Pure; made once for each schema.
import { type Field, nameOf } from './fields.ts'

/** The fields of one schema. */
export interface FieldIndex {
  /** In the order of their declaration. */
  readonly all: readonly Field[]
  /** The field of a path, or of what is inside it (`namespaces.chat.history`, `nats.url.0`); undefined for sections. */
  at(path: readonly PropertyKey[]): Field | undefined
  /** How mistakes name the field of this path; the path itself where there is no field. */
  nameAt(path: string): string
  /** The keys that a section has; of the whole file for an empty path. */
  keysBelow(section: readonly PropertyKey[]): readonly string[]
}

/** Indexes the fields of a schema. */
export function indexFields(all: readonly Field[]): FieldIndex {
  const byPath: ReadonlyMap<string, Field> = new Map(all.map((field) => [field.path, field]))
  return {
    all,
    at(path) {
      for (let length = path.length; length > 0; length--) {
        const field = byPath.get(path.slice(0, length).map(String).join('.'))
        if (field !== undefined) return field
      }
      return undefined
    },
    nameAt(path) {
      const field = byPath.get(path)
      return field === undefined ? path : nameOf(field)
    },
    keysBelow(section) {
      const prefix = section.length === 0 ? '' : `${section.map(String).join('.')}.`
      const below = all.filter((field) => field.path.startsWith(prefix))
      return [...new Set(below.map((field) => field.path.slice(prefix.length).split('.')[0] ?? ''))]
    },
  }
}
