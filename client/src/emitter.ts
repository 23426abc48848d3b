// Listeners by the name of their event. One that throws, or whose promise fails, is told to whoever made the emitter, and harms no
// other listener and none of the library.

/** A map of events' names to what their listeners are given. */
export type EventMap = object

/** A listener. Its answer is ignored; if it is a promise that fails, that is told like an exception. */
export type Listener<value> = (value: value) => unknown

/** See the head of the file. */
export class Emitter<events extends EventMap> {
  readonly #listeners = new Map<keyof events, Set<Listener<never>>>()
  readonly #onFault: (fault: unknown) => void

  /** @param onFault - told what a listener has thrown; must not throw itself */
  constructor(onFault: (fault: unknown) => void) {
    this.#onFault = onFault
  }

  /**
   * Adds a listener; the same one twice counts once.
   *
   * @returns removes it
   */
  on<name extends keyof events>(name: name, listener: Listener<events[name]>): () => void {
    let listeners = this.#listeners.get(name)
    if (listeners === undefined) {
      listeners = new Set()
      this.#listeners.set(name, listeners)
    }
    const held = listeners
    held.add(listener)
    return () => void held.delete(listener)
  }

  /** Whether anyone listens. */
  has(name: keyof events): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0
  }

  /** Calls those who listen now, in the order in which they were added. */
  emit<name extends keyof events>(name: name, value: events[name]): void {
    // A copy: one that is added meanwhile waits for the next, and one that is removed meanwhile is not called.
    const listeners = this.#listeners.get(name)
    for (const listener of [...(listeners ?? [])]) {
      if (listeners?.has(listener) === true) this.#call(listener as Listener<events[name]>, value)
    }
  }

  #call<value>(listener: Listener<value>, value: value): void {
    try {
      const answer = listener(value)
      if (answer instanceof Promise) answer.catch(this.#onFault)
    } catch (fault) {
      this.#onFault(fault)
    }
  }
}
