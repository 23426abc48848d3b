// Who is in the room, as the library tells it. Shows names as text.

/** Names shown; the count says how many there are. */
const SHOWN_MAX = 200

/** Built by the page once. */
export class Members {
  #list
  #title

  /**
   * @param list - the element that names are shown in
   * @param title - the element that the count is shown in
   */
  constructor(list, title) {
    this.#list = list
    this.#title = title
  }

  show(members, count) {
    this.#title.textContent = `Here now: ${count}`
    this.#name(members.map(({ user }) => user))
  }

  /** The room shows nobody, or there is no room. */
  clear() {
    this.#title.textContent = 'Here now'
    this.#name([])
  }

  #name(users) {
    this.#list.replaceChildren(
      ...users
        .toSorted()
        .slice(0, SHOWN_MAX)
        .map((user) => {
          const item = document.createElement('li')
          item.dataset.member = user
          item.textContent = user
          return item
        }),
    )
  }
}
