// `npm run -s token -- alice`: prints a token for the known local secret, and nothing else, so that it can be piped.
import { signToken } from './sign-token.ts'
import { parseTokenRequest } from './token-request.ts'

const request = parseTokenRequest(process.argv.slice(2))
if (request.kind === 'claims') {
  process.stdout.write(`${await signToken(request.claims)}\n`)
} else if (request.kind === 'help') {
  process.stdout.write(`${request.text}\n`)
} else {
  process.stderr.write(`${request.text}\n`)
  process.exitCode = 2
}
