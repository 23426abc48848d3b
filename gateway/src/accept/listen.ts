// Opens the public port, or says why it can't be opened.
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ListenError } from '@sluice/service/admin/listen-error'

/** Connections that wait in the kernel to be accepted: a reconnect storm comes all at once. The system's own limit holds too. */
const BACKLOG = 4096

/**
 * @param address - port 0 lets the system choose
 * @returns the port
 * @throws ListenError
 */
export function listen(server: Server, address: { readonly host: string; readonly port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new ListenError(error.code ?? error.message, {
          ...address,
          setting: 'SLUICE_LISTEN_HOST and SLUICE_LISTEN_PORT',
        }),
      )
    })
    server.listen({ ...address, backlog: BACKLOG }, () => resolve((server.address() as AddressInfo).port))
  })
}
