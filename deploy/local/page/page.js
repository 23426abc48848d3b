// The local page: forms around the client library, as a front-end developer would write them. What it shows is in message-list.js
// and members.js; everything that came from elsewhere enters the page as text, never as markup.
import { gatewayLinks } from './gateway-links.js'
import { JoinedRoom } from './joined-room.js'
import { loggedSocket } from './logged-socket.js'
import { Members } from './members.js'
import { MessageList } from './message-list.js'
import { connect as connectClient } from './sluice-client.js'

const element = (id) => document.getElementById(id)
const user = element('user')
const roomField = element('room')
const problem = element('problem')
const list = new MessageList(element('messages'), element('frames'))
const members = new Members(element('members'), element('members-title'))

const query = new URLSearchParams(location.search)

/** The client, its room, and whom it is signed in as; null while not connected. */
let sluice = null
let room = null
let identity = null

element('sign-in').addEventListener('submit', (event) => {
  event.preventDefault()
  hideProblem()
  if (sluice === null) connect()
  else if (roomField.value !== room?.name) join(roomField.value)
})

element('disconnect').addEventListener('click', () => sluice?.close())

element('composer').addEventListener('submit', (event) => {
  event.preventDefault()
  const field = element('text')
  const text = takeText(field)
  void attempt('publish', room.publish({ text })).then((done) => {
    if (!done) giveBack(field, text)
  })
})

element('direct').addEventListener('submit', (event) => {
  event.preventDefault()
  const to = element('to').value
  const field = element('direct-text')
  const text = takeText(field)
  void attempt('send', sluice.send(to, { text })).then((done) => {
    if (done) list.sent(to, text)
    else giveBack(field, text)
  })
})

element('older').addEventListener('click', () => void attempt('history', room.older()))
element('clear-frames').addEventListener('click', () => list.clearFrames())

for (const field of [user, roomField]) field.addEventListener('input', showGatewayLinks)

function connect() {
  const name = user.value
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  // Local gateways take anonymous sockets on `/`; everyone with a name signs in on `/ws`.
  const address = `${scheme}://${location.host}${name === '' ? '/' : '/ws'}`
  sluice = connectClient(address, {
    token: name === '' ? null : ({ signal }) => fetchToken(name, signal),
    WebSocket: loggedSocket((direction, text) => list.frame(direction, text)),
  })
  sluice.on('state', showState)
  sluice.on('error', (error) => showProblem(String(error)))
  sluice.inbox().on('message', (message) => list.message(message, { direct: true }))
  join(roomField.value)
  showState(sluice.state)
}

async function fetchToken(name, signal) {
  const response = await fetch(`/token?user=${encodeURIComponent(name)}`, { signal }).catch(() => {
    throw new Error('the gateway does not answer')
  })
  const text = (await response.text()).trim()
  if (!response.ok) throw new Error(`no token: ${response.status} ${text.slice(0, 200)}`)
  return text
}

function join(name) {
  room?.leave().catch(() => undefined)
  list.clear()
  members.clear()
  element('older').hidden = true
  try {
    room = new JoinedRoom(sluice, name, {
      onJoined: ({ history }) => {
        hideProblem()
        list.note(`joined ${room.name}`)
        element('older').hidden = history === undefined
        showControls()
        element('text').focus()
      },
      onRefused: ({ code, message }) => showProblem(`join: ${code}: ${message}`),
      onMessage: (message, inFront) =>
        list.message(message, { own: message.from !== undefined && message.from === identity, inFront }),
      onNote: (text) => list.note(text),
      onMembers: (all, count) => members.show(all, count),
      onOlder: (more) => {
        element('older').hidden = !more
      },
    })
  } catch (error) {
    room = null
    showProblem(`join: ${error.code}: ${error.message}`)
  }
  showControls()
}

/** The words of the page for the states of the library. */
function showState(state) {
  const shown = element('state')
  shown.dataset.state = state.name === 'closed' ? (state.code === 1000 ? 'idle' : 'stopped') : state.name
  shown.textContent = textOfState(state)
  if (state.name === 'open') {
    identity = state.user
    element('identity').textContent = state.user
    element('session').textContent = state.session
    element('gateway').textContent = `${location.host} (${state.gateway})`
  }
  if (state.name === 'closed') finish(state)
  showControls()
}

function textOfState(state) {
  switch (state.name) {
    case 'open':
      return 'connected'
    case 'waiting':
      return `${state.code ?? ''} ${state.reason}; trying again in ${(state.retryInMs / 1000).toFixed(1)} s`.trim()
    case 'closed':
      return state.code === 1000 ? 'not connected' : `closed for good: ${state.code} ${state.reason}`
    default:
      return state.name
  }
}

/** The client is done; the form is free for the next one. */
function finish({ code, reason }) {
  if (code !== 1000) showProblem(`closed for good: ${code} ${reason}`)
  sluice = null
  room = null
  members.clear()
  element('older').hidden = true
}

/** Shows what went wrong; resolves with whether it went well. */
async function attempt(what, promise) {
  try {
    await promise
    hideProblem()
    return true
  } catch (error) {
    showProblem(`${what}: ${error.code}: ${error.message}`)
    return false
  }
}

function showProblem(text) {
  problem.textContent = text
  problem.hidden = false
}

function hideProblem() {
  problem.hidden = true
}

function showControls() {
  const live = sluice !== null
  const open = element('state').dataset.state === 'open'
  const joined = room?.joined === true
  user.disabled = live
  element('connect').hidden = live
  element('disconnect').hidden = !live
  element('switch-room').hidden = !(live && open)
  element('facts').hidden = !open
  for (const id of ['to', 'direct-text', 'direct-button']) element(id).disabled = !open
  for (const id of ['text', 'send-button']) element(id).disabled = !joined
  element('text').placeholder = joined ? `Message to ${room.name}` : 'Connect to write'
  element('chat-title').textContent = joined ? `Messages in ${room.name}` : 'Messages'
}

function showGatewayLinks() {
  element('gateway-links').replaceChildren(...gatewayLinks(roomField.value))
}

/** Empties the field at once, as its owner may write on before the answer comes. */
function takeText(field) {
  const { value } = field
  field.value = ''
  field.focus()
  return value
}

/** What could not be sent is not lost, unless something else was written meanwhile. */
function giveBack(field, value) {
  if (field.value === '') field.value = value
}

if (query.has('user')) user.value = query.get('user')
if (query.get('room')) roomField.value = query.get('room')
showGatewayLinks()
showControls()
