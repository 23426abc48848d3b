// The local page: forms, message list and frame log around one Connection. Everything that came from elsewhere enters the
// page as text, never as markup.
import { Connection } from './connection.js'
import { gatewayLinks } from './gateway-links.js'
import { Members } from './members.js'

/** Items kept in each list, so that a tab left open over night stays quick. */
const MESSAGES_MAX = 500
const FRAMES_MAX = 300

const element = (id) => document.getElementById(id)
const user = element('user')
const room = element('room')
const problem = element('problem')
const messages = element('messages')
const frames = element('frames')
const members = new Members(element('members'), element('members-title'))

const query = new URLSearchParams(location.search)

let connection = null
/** The room that is asked for, the one that is joined, and whom `welcome` says we are. */
let wanted = ''
let joined = null
let identity = null

element('sign-in').addEventListener('submit', (event) => {
  event.preventDefault()
  hideProblem()
  if (connection === null) connect()
  else void switchRoom()
})

element('disconnect').addEventListener('click', () => {
  connection?.close()
  finish()
})

element('composer').addEventListener('submit', async (event) => {
  event.preventDefault()
  const text = element('text')
  const value = takeText(text)
  if (!(await attempt({ type: 'publish', room: joined, data: { text: value } }))) giveBack(text, value)
})

element('direct').addEventListener('submit', async (event) => {
  event.preventDefault()
  const to = element('to').value
  const text = element('direct-text')
  const value = takeText(text)
  if (await attempt({ type: 'send', user: to, data: { text: value } })) {
    addMessage({ kind: 'sent', head: `to ${to}`, text: value, own: true })
  } else {
    giveBack(text, value)
  }
})

element('clear-frames').addEventListener('click', () => frames.replaceChildren())

for (const field of [user, room]) field.addEventListener('input', showGatewayLinks)

function connect() {
  const name = user.value
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  // Local gateways take anonymous sockets on `/`; everyone with a name signs in on `/ws`.
  const url = `${scheme}://${location.host}${name === '' ? '/' : '/ws'}`
  wanted = room.value
  connection = new Connection({
    url,
    token: () => fetchToken(name),
    onState: showState,
    onFrame: receive,
    onRaw: logFrame,
  })
  showControls()
  connection.connect()
}

async function fetchToken(name) {
  if (name === '') return null
  const response = await fetch(`/token?user=${encodeURIComponent(name)}`).catch(() => {
    throw new Error('the gateway does not answer')
  })
  const text = (await response.text()).trim()
  if (!response.ok) throw new Error(`no token: ${response.status} ${text.slice(0, 200)}`)
  return text
}

function showState(state, detail) {
  const shown = element('state')
  shown.dataset.state = state
  shown.textContent = detail
  if (state === 'stopped') {
    showProblem(detail)
    finish()
  }
  if (state === 'open') hideProblem()
  if (state !== 'open') leftRoom()
  showControls()
}

/** The connection is over; the form is free for the next one. */
function finish() {
  connection = null
  leftRoom()
  showControls()
}

function receive(frame) {
  switch (frame.type) {
    case 'welcome':
      identity = frame.user
      element('identity').textContent = frame.user
      element('session').textContent = frame.session
      element('gateway').textContent = `${location.host} (${frame.gateway})`
      void join(wanted)
      break
    case 'message':
      showMessage(frame)
      break
    case 'members':
      if (frame.room === joined) members.replace(frame.members, frame.count)
      break
    case 'joined':
    case 'left':
      if (frame.room === joined) members[frame.type](frame.member)
      break
    case 'error':
      showProblem(`${frame.code}: ${frame.message}`)
      break
    case 'gap':
      addMessage({ kind: 'note', text: `messages were missed in ${frame.room ?? frame.user} (${frame.reason})` })
      break
    default:
      // `ok` of nothing, `pong`, and types of a later protocol are for the frame log alone.
      break
  }
}

async function join(name) {
  const answer = await joinRoom(name)
  if (answer === null) return
  joined = name
  members.replace(answer.members ?? null, answer.count)
  addMessage({ kind: 'note', text: `joined ${name}` })
  showControls()
  element('text').focus()
}

/** With the members where the room's namespace shows them. Resolves with the answer, or null. */
async function joinRoom(name) {
  try {
    return await connection.request({ type: 'join', room: name, presence: true })
  } catch (error) {
    if (error.code === 'not_enabled') return (await attempt({ type: 'join', room: name })) ? {} : null
    showProblem(`join: ${error.code}: ${error.message}`)
    return null
  }
}

function leftRoom() {
  joined = null
  members.replace(null)
}

async function switchRoom() {
  const next = room.value
  if (next === joined) return
  if (joined !== null && !(await attempt({ type: 'leave', room: joined }))) return
  leftRoom()
  wanted = next
  showControls()
  await join(next)
}

/** Sends a request and shows what went wrong; resolves with whether it went well. */
async function attempt(frame) {
  try {
    await connection.request(frame)
    hideProblem()
    return true
  } catch (error) {
    showProblem(`${frame.type}: ${error.code}: ${error.message}`)
    return false
  }
}

function showMessage(frame) {
  const from = frame.from ?? 'a service'
  const text = textOf(frame)
  if (frame.room === undefined) addMessage({ kind: 'direct', from, head: `${from} to you`, text, time: frame.time })
  else addMessage({ kind: 'room', from, head: from, text, time: frame.time, own: frame.from === identity })
}

/** A service may push any JSON, or bytes. */
function textOf({ data, bytes }) {
  if (bytes !== undefined) return `bytes in base64: ${bytes}`
  if (typeof data === 'string') return data
  return typeof data?.text === 'string' ? data.text : JSON.stringify(data)
}

function addMessage({ kind, from, head, text, time, own = false }) {
  const item = document.createElement('li')
  item.dataset.kind = kind
  if (from !== undefined) item.dataset.from = from
  if (own) item.dataset.own = ''
  if (head !== undefined) {
    const clock = new Date(time ?? Date.now()).toLocaleTimeString()
    item.append(span('head', `${head} · ${clock}`))
  }
  item.append(span('body', text))
  appendBounded(messages, item, MESSAGES_MAX)
}

function logFrame(direction, text) {
  const item = document.createElement('li')
  item.dataset.direction = direction
  item.textContent = text
  appendBounded(frames, item, FRAMES_MAX)
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

function showProblem(text) {
  problem.textContent = text
  problem.hidden = false
}

function hideProblem() {
  problem.hidden = true
}

function showControls() {
  const live = connection !== null
  const open = element('state').dataset.state === 'open'
  user.disabled = live
  element('connect').hidden = live
  element('disconnect').hidden = !live
  element('switch-room').hidden = !(live && open)
  element('facts').hidden = !open
  for (const id of ['to', 'direct-text', 'direct-button']) element(id).disabled = !open
  for (const id of ['text', 'send-button']) element(id).disabled = joined === null
  element('text').placeholder = joined === null ? 'Connect to write' : `Message to ${joined}`
  element('chat-title').textContent = joined === null ? 'Messages' : `Messages in ${joined}`
}

function showGatewayLinks() {
  element('gateway-links').replaceChildren(...gatewayLinks(room.value))
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
if (query.get('room')) room.value = query.get('room')
showGatewayLinks()
showControls()
