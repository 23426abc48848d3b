// A peer: a ws server whose clients are heard and forgotten: what a message in costs at least. Not imported: the benchmark starts it.
import { WebSocketServer } from 'ws'
import { listen } from './peer.ts'

const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false })
const hear = (): void => undefined
listen((request, socket, head) => {
  server.handleUpgrade(request, socket, head, (client) => {
    client.on('message', hear)
  })
})
