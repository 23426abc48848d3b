// The list of messages, and that of raw frames: bounded, and in view of their ends while the reader is there. Everything enters them as
// text, never as markup.

/** Items kept in each list, so that a tab left open over night stays quick. */
const MESSAGES_MAX = 500
const FRAMES_MAX = 300

/** Built by the page once. */
export class MessageList {
  #messages
  #frames

  constructor(messages, frames) {
    this.#messages = messages
    this.#frames = frames
  }

  /** A message of the room, or to the user. */
  message({ from: sender, data, time, offset, replayed }, { direct = false, own = false, inFront = false } = {}) {
    const from = sender ?? 'a service'
    const item = entry({
      kind: direct ? 'direct' : 'room',
      head: direct ? `${from} to you` : from,
      text: textOf(data),
      time,
    })
    item.dataset.from = from
    if (own) item.dataset.own = ''
    if (offset !== undefined) item.dataset.offset = offset
    if (replayed) item.dataset.replayed = ''
    this.#add(item, inFront)
  }

  /** A message that was sent to somebody. */
  sent(to, text) {
    const item = entry({ kind: 'sent', head: `to ${to}`, text })
    item.dataset.own = ''
    this.#add(item, false)
  }

  note(text) {
    this.#add(entry({ kind: 'note', text }), false)
  }

  /** Those of a room that was left are gone. */
  clear() {
    this.#messages.replaceChildren()
  }

  frame(direction, text) {
    const item = document.createElement('li')
    item.dataset.direction = direction
    item.textContent = text
    appendBounded(this.#frames, item, FRAMES_MAX)
  }

  clearFrames() {
    this.#frames.replaceChildren()
  }

  #add(item, inFront) {
    if (inFront) this.#messages.prepend(item)
    else appendBounded(this.#messages, item, MESSAGES_MAX)
  }
}

function entry({ kind, head, text, time }) {
  const item = document.createElement('li')
  item.dataset.kind = kind
  if (head !== undefined) item.append(span('head', `${head} · ${new Date(time ?? Date.now()).toLocaleTimeString()}`))
  item.append(span('body', text))
  return item
}

/** A service may push any JSON, or bytes. */
function textOf(data) {
  if (data instanceof Uint8Array) return `${data.length} bytes: ${[...data.subarray(0, 64)].map(hex).join(' ')}`
  if (typeof data === 'string') return data
  return typeof data?.text === 'string' ? data.text : JSON.stringify(data)
}

function hex(byte) {
  return byte.toString(16).padStart(2, '0')
}

/** Keeps the list at its bound, and in view of its end if the reader is there. */
function appendBounded(list, item, max) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40
  list.append(item)
  while (list.children.length > max) list.firstElementChild.remove()
  if (atEnd) list.scrollTop = list.scrollHeight
}

function span(className, text) {
  const part = document.createElement('span')
  part.className = className
  part.textContent = text
  return part
}
