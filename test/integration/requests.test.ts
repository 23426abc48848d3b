import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { testWithCluster } from '../harness/stage.ts'

const test = testWithCluster()

describe('answers', () => {
  test('within one room keep the order of the requests, without waiting between them', async ({
    stage,
    cluster: { one },
  }) => {
    const ann = await stage.user(one, 'ann')
    const room = 'members:lane'
    const types = ['join', 'publish', 'join', 'leave', 'publish', 'join', 'publish', 'leave']
    for (const [id, type] of types.entries()) ann.send({ id: id + 1, type, room, data: id })
    await ann.next(({ id }) => id === types.length)
    const answers = ann.frames.filter(({ id }) => typeof id === 'number')
    expect(answers.map(({ id }) => id)).toEqual(types.map((_, index) => index + 1))
    expect(answers.map(({ type, code }) => code ?? type)).toEqual([
      'ok',
      'ok',
      'already_joined',
      'ok',
      'not_joined',
      'ok',
      'ok',
      'ok',
    ])
  })

  test('a message that was published after the join was asked for comes after the join’s ok', async ({
    stage,
    cluster: { one },
  }) => {
    const ann = await stage.user(one, 'ann')
    ann.send({ id: 1, type: 'join', room: 'chat:pipelined' })
    ann.send({ id: 2, type: 'publish', room: 'chat:pipelined', data: 'first' })
    expect(await ann.message()).toMatchObject({ data: 'first' })
    const seen = ann.frames.filter(({ type, id }) => type === 'message' || id === 1)
    expect(seen.map(({ type }) => type)).toEqual(['ok', 'message'])
  })

  test('after the ok of a leave nothing more of the room comes', async ({ stage, cluster: { one, two } }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:leaving')
    const ben = await stage.user(two, 'ben')
    const publishing = Array.from({ length: 200 }, (_, n) => ben.ok({ type: 'publish', room: 'chat:leaving', data: n }))
    ann.send({ id: 'left', type: 'leave', room: 'chat:leaving' })
    await Promise.all(publishing)
    await ann.next(({ id }) => id === 'left')
    await ann.settled()
    const after = ann.frames.slice(ann.frames.findIndex(({ id }) => id === 'left'))
    expect(after.filter(({ type }) => type === 'message')).toEqual([])
  })

  test('each request gets exactly one', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    for (let id = 1; id <= 300; id++) {
      const room = `chat:r${id % 7}`
      ann.send({ id, ...(id % 3 === 0 ? { type: 'join', room } : { type: 'publish', room, data: id, echo: false }) })
    }
    const answered = () => ann.frames.flatMap(({ id }) => (typeof id === 'number' ? [id] : []))
    await eventually(() => answered().length).toBeGreaterThanOrEqual(300)
    await ann.settled()
    expect(answered().sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
  })
})

describe('an id', () => {
  test('that is still in flight closes the socket with 4000', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    ann.send({ id: 7, type: 'join', room: 'chat:ids' })
    ann.send({ id: 7, type: 'join', room: 'chat:other' })
    expect((await ann.closed).code).toBe(4000)
  })

  test('may be used again once it was answered, and 7 is not "7"', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    for (const room of ['chat:a', 'chat:b']) {
      ann.send({ id: 7, type: 'join', room })
      ann.send({ id: '7', type: 'join', room: `${room}2` })
      await ann.next(({ type, id }) => type === 'ok' && id === 7)
      await ann.next(({ type, id }) => type === 'ok' && id === '7')
    }
  })

  test('is an integer from 1 or a text of 1 to 32 characters', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    for (const id of [1, Number.MAX_SAFE_INTEGER, 'x', 'x'.repeat(32)]) {
      ann.send({ id, type: 'ping' })
      expect(await ann.next((frame) => frame.id === id)).toMatchObject({ type: 'pong' })
    }
    for (const id of [0, -1, 1.5, '', 'x'.repeat(33), null, true, [], {}]) {
      ann.send({ id, type: 'ping' })
      const answer = await ann.next(({ type }) => type === 'error')
      expect(answer).toMatchObject({ code: 'bad_request' })
      expect(answer).not.toHaveProperty('id')
      await ann.settled()
    }
  })

  test('that is missing means no answer, unless the request fails', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    ann.send({ type: 'join', room: 'chat:silent' })
    ann.send({ type: 'publish', room: 'chat:silent', data: 1 })
    await ann.message()
    ann.send({ type: 'join', room: 'private:silent' })
    const error = await ann.next(({ type }) => type === 'error')
    expect(error).toMatchObject({ code: 'forbidden' })
    expect(error).not.toHaveProperty('id')
    await ann.settled()
    expect(ann.frames.map(({ type }) => type)).toEqual(['welcome', 'message', 'error', 'pong'])
  })
})

describe('what is switched off', () => {
  test('is answered `not_enabled`, not ignored', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    const frames = [
      { type: 'history', room: 'chat:lobby', limit: 10 },
      { type: 'history', user: 'ann', limit: 10 },
      { type: 'join', room: 'chat:lobby', since: { epoch: 'e', offset: 1 } },
      { type: 'join', room: 'chat:lobby', history: 10 },
      { type: 'join', user: 'ann', history: 10 },
    ]
    for (const frame of frames)
      expect({ frame, code: await ann.refused(frame) }).toEqual({ frame, code: 'not_enabled' })
  })
})

describe('what this release does not offer', () => {
  test('is answered `unsupported`, not ignored', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann', { grants: { call: ['*'] } })
    const frames = [
      { type: 'publish', room: 'chat:*', data: 1 },
      { type: 'presence', room: 'chat:*' },
      { type: 'history', room: 'chat:*', limit: 1 },
    ]
    for (const frame of frames)
      expect({ frame, code: await ann.refused(frame) }).toEqual({ frame, code: 'unsupported' })
  })

  test('is `not_enabled` where a namespace has it off', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    expect(await ann.refused({ type: 'presence', room: 'chat:lobby' })).toBe('not_enabled')
    expect(await ann.refused({ type: 'join', room: 'chat:lobby', presence: true })).toBe('not_enabled')
    expect(await ann.refused({ type: 'join', room: 'chat:*' })).toBe('not_enabled')
    await ann.join('chat:lobby')
  })

  test('a frame of unknown type is a bad request and nothing worse', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    for (let n = 0; n < 12; n++) expect(await ann.refused({ type: 'update', room: 'chat:lobby' })).toBe('bad_request')
    await ann.settled()
  })

  test('unknown fields are ignored', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    await ann.ok({ type: 'join', room: 'chat:future', shiny: { new: true } })
  })
})
