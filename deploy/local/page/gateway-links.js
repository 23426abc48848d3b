// Links to the same page on the other gateways of a local run.

const DEFAULT_PORTS = [8080, 8081]
const GATEWAYS_MAX = 16

const query = new URLSearchParams(location.search)

/**
 * A list item for each gateway; this page's own is no link.
 *
 * @param room - the room that the other page begins with
 */
export function gatewayLinks(room) {
  const own = Number(location.port)
  return gatewayPorts(own).map((port) => gatewayLink(port, port === own, room))
}

/** The ports that the address tells, as the runner does where they are not the default ones. */
function gatewayPorts(own) {
  const told = (query.get('gateways') ?? '').split(',').map(Number)
  const ports = told.filter((port) => Number.isInteger(port) && port > 0 && port < 65_536).slice(0, GATEWAYS_MAX)
  if (ports.length > 0) return ports
  return DEFAULT_PORTS.includes(own) ? DEFAULT_PORTS : [own]
}

function gatewayLink(port, here, room) {
  const item = document.createElement('li')
  const address = `http://${location.hostname}:${port}/`
  if (here) {
    item.textContent = `${address} (this page)`
    return item
  }
  const link = document.createElement('a')
  const told = query.has('gateways') ? { gateways: query.get('gateways') } : {}
  link.href = `${address}?${new URLSearchParams({ room, ...told })}`
  link.target = '_blank'
  link.rel = 'noopener'
  link.textContent = address
  item.append(link)
  return item
}
