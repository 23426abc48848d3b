// A WebSocket that shows what goes through it, for the raw frames at the end of the page. The library is given it as its constructor.

/**
 * Makes the class.
 *
 * @param onRaw - told `(direction, text)` for everything on the wire, and for openings and closings
 */
export function loggedSocket(onRaw) {
  return class LoggedSocket extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols)
      this.addEventListener('open', () => onRaw('open', url))
      this.addEventListener('message', ({ data }) => onRaw('in', data))
      this.addEventListener('close', ({ code, reason }) => onRaw('close', `${code} ${reason}`))
    }

    send(message) {
      onRaw('out', hideToken(message))
      super.send(message)
    }
  }
}

/** A token is not for a screen that others may see. */
function hideToken(message) {
  return message.replace(/("type":"auth".*"token":")[^"]*"/, '$1…"')
}
