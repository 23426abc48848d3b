// Who is in the room, as the gateway tells it: a whole list at first, then who comes and who goes. Shows names as text.

/** Names shown; the count says how many there are. */
const SHOWN_MAX = 200

/** The members of the room that is joined. Built by the page once. */
export class Members {
  #list
  #title
  #members = new Map()
  #count = 0

  /**
   * @param list - the element that names are shown in
   * @param title - the element that the count is shown in
   */
  constructor(list, title) {
    this.#list = list
    this.#title = title
  }

  /** Replaces all: `members` of an `ok` or of a frame; null where the room shows nobody. */
  replace(members, count) {
    this.#members = new Map((members ?? []).map((member) => [member.user, member]))
    this.#count = members === null ? null : count
    this.#show()
  }

  joined(member) {
    if (!this.#members.has(member.user)) this.#count++
    this.#members.set(member.user, member)
    this.#show()
  }

  left(member) {
    if (this.#members.delete(member.user)) this.#count--
    this.#show()
  }

  #show() {
    this.#title.textContent = this.#count === null ? 'Here now' : `Here now: ${this.#count}`
    const names = [...this.#members.keys()].sort().slice(0, SHOWN_MAX)
    this.#list.replaceChildren(
      ...names.map((name) => {
        const item = document.createElement('li')
        item.dataset.member = name
        item.textContent = name
        return item
      }),
    )
  }
}
