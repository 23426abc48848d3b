// The plain HTTP side of local mode: the page on `/`, and tokens for it. Never made outside local mode, as it signs a token for
// whoever asks.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { type HttpHandler, respond } from './http-handler.ts'

/** Where the page is in the repository; an image has none, and no local mode. */
export const LOCAL_PAGE = join(import.meta.dirname, '../../../deploy/local/page')

/** Where `npm start` puts the client library for the page; not there where gateways are started by hand. */
export const LOCAL_BUNDLE = join(import.meta.dirname, '../../../.sluice/page')

/** See {@link createLocalSite}. */
export interface LocalSiteOptions {
  /** The folders of the page; their files are read once, at the start. One that is not there has none. */
  readonly folders: readonly string[]
  /** Signs a token for a user; null where the keys are not ours. */
  readonly sign: ((user: string) => Promise<string>) | null
  /** Answers everything else. */
  readonly next: HttpHandler
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const HEADERS = {
  // Sockets and requests for tokens go to the gateways beside this one, on other ports.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss: http: https:; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}

/** Makes the handler. */
export function createLocalSite({ folders, sign, next }: LocalSiteOptions): HttpHandler {
  const files = new Map(
    folders.filter(existsSync).flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => extname(file) in CONTENT_TYPES)
        .map((file): [string, { type: string; body: string }] => [
          `/${file}`,
          { type: CONTENT_TYPES[extname(file)] as string, body: readFileSync(join(folder, file), 'utf8') },
        ]),
    ),
  )
  return (request, response) => {
    const url = URL.parse(request.url ?? '/', 'http://local')
    if (url === null) return next(request, response)
    const { pathname, searchParams } = url
    if (pathname === '/token' && sign !== null) {
      sign(searchParams.get('user') ?? '').then(
        (token) => respond(response, 200, token, HEADERS),
        () => respond(response, 500, 'no token'),
      )
      return
    }
    const file = files.get(pathname === '/' ? '/index.html' : pathname)
    if (file === undefined) next(request, response)
    else respond(response, 200, file.body, { ...HEADERS, 'content-type': file.type })
  }
}
