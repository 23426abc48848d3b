// What gateways ask services, held against vectors/nats.json: services of any release and language must read it alike.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { UserName } from '../names.ts'
import { bytesPayload, jsonPayload } from '../payload.ts'
import { createSubjects } from '../subjects.ts'
import { type AuthorizeQuestion, decodeAuthorizeAnswer, encodeAuthorizeQuestion } from './authorize.ts'
import { grantsMethod, type Method, parseMethod } from './methods.ts'

interface Vectors {
  readonly methods: {
    readonly accepted: readonly { readonly method: string; readonly subject: string }[]
    readonly refused: readonly string[]
    readonly grants: readonly {
      readonly pattern: string
      readonly method: string
      readonly user: string
      readonly fits: boolean
    }[]
  }
  readonly authorize: {
    readonly subjects: { readonly connect: string; readonly join: string; readonly publish: string }
    readonly questions: readonly {
      readonly question: AuthorizeQuestion
      readonly data?: string
      readonly hex?: string
      readonly json: string
    }[]
    readonly answers: readonly { readonly json: string; readonly answer: unknown }[]
    readonly malformed: readonly string[]
  }
}

const { services } = JSON.parse(readFileSync(new URL('../../vectors/nats.json', import.meta.url), 'utf8')) as {
  readonly services: Vectors
}
const subjects = createSubjects('sluice')
const bytes = (text: string) => new TextEncoder().encode(text)

describe('methods', () => {
  test.each(services.methods.accepted)('$method is asked on $subject', ({ method, subject }) => {
    const parsed = parseMethod(method)
    expect(parsed && subjects.call(parsed)).toBe(subject)
  })

  test.each(services.methods.refused)('%j is none', (method) => {
    expect(parseMethod(method)).toBeNull()
  })

  test.each(services.methods.grants)('$pattern fits $method of $user: $fits', ({ pattern, method, user, fits }) => {
    expect(grantsMethod([pattern], method as Method, user as UserName)).toBe(fits)
  })
})

describe('authorisation', () => {
  test('is asked for on its subjects', () => {
    expect({
      connect: subjects.authorizeConnect(),
      join: subjects.authorize('join', 'chat'),
      publish: subjects.authorize('publish', 'chat'),
    }).toEqual(services.authorize.subjects)
  })

  test.each(services.authorize.questions)('is asked for with $json', ({ question, data, hex, json }) => {
    const published = data !== undefined ? jsonPayload(data) : undefined
    const payload = hex !== undefined ? bytesPayload(Uint8Array.from(Buffer.from(hex, 'hex'))) : published
    expect(encodeAuthorizeQuestion({ ...question, payload })).toBe(json)
  })

  test.each(services.authorize.answers)('is answered by $json', ({ json, answer }) => {
    expect(decodeAuthorizeAnswer(bytes(json))).toEqual(answer)
  })

  test.each(services.authorize.malformed)('is not answered by %j', (json) => {
    expect(decodeAuthorizeAnswer(bytes(json))).toBeNull()
  })
})
