import { describe, expect, test } from 'vitest'
import { configOf, load, mistakesOf } from './sample-config.ts'

describe('a configuration', () => {
  test('needs nothing where every field has a default or may stay unset', () => {
    const { shop, nats, namespaces } = configOf({})
    expect(shop).toEqual({ open: false, port: 80, wares: ['tea'], guestsMin: 1, guestsMax: 10 })
    expect(nats.url).toEqual(['nats://127.0.0.1:4222'])
    expect(namespaces.default?.join.who).toBe('granted')
  })

  test('takes a value from the file, and from the variable where both say something', () => {
    const files = { '/config.json': { shop: { port: 1000, guestsMax: 20 }, log: { level: 'warn' } } }
    const config = configOf({ SLUICE_SHOP_PORT: '2000' }, files)
    expect(config.shop).toMatchObject({ port: 2000, guestsMax: 20 })
    expect(config.log.level).toBe('warn')
  })

  test('reads lists, booleans, numbers and JSON from variables', () => {
    const config = configOf({
      SLUICE_NATS_URL: 'nats://a:4222, tls://b:4222 ,c:4222,[::1]:4222',
      SLUICE_SHOP_OPEN: ' true ',
      SLUICE_SHOP_PORT: '0',
      SLUICE_NAMESPACES: '{"chat":{"presence":true}}',
    })
    expect(config.nats.url).toEqual(['nats://a:4222', 'tls://b:4222', 'c:4222', '[::1]:4222'])
    expect(config.shop).toMatchObject({ open: true, port: 0 })
    expect(config.namespaces.chat?.presence).toBe(true)
  })

  test('has defaults that follow from what is set, where their own field is not', () => {
    expect(configOf({ SLUICE_SHOP_OPEN: 'true' }).shop.wares).toEqual(['cake'])
    expect(configOf({ SLUICE_SHOP_OPEN: 'true', SLUICE_SHOP_WARES: 'tea' }).shop.wares).toEqual(['tea'])
  })

  test('counts an empty variable as not set', () => {
    expect(configOf({ SLUICE_NATS_URL: '', SLUICE_CONFIG: '', SLUICE_NO_SUCH_THING: '' }).nats.url).toHaveLength(1)
  })

  test('cannot be changed by who holds it', () => {
    const config = configOf({})
    expect(Object.isFrozen(config) && Object.isFrozen(config.shop)).toBe(true)
  })

  test('ignores what Kubernetes sets for Services', () => {
    const injected = {
      SLUICE_PORT: 'tcp://10.0.0.1:80',
      SLUICE_SHOPS_SERVICE_HOST: '10.0.0.1',
      SLUICE_SHOPS_SERVICE_PORT: '80',
      SLUICE_SHOPS_SERVICE_PORT_HTTP: '80',
      SLUICE_SHOPS_PORT: 'tcp://10.0.0.1:80',
      SLUICE_SHOPS_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
      SLUICE_SHOPS_PORT_8080_TCP_PROTO: 'tcp',
      SLUICE_SHOPS_PORT_8080_TCP_PORT: '8080',
      SLUICE_SHOPS_PORT_8080_TCP_ADDR: '10.0.0.1',
      // A Service named sluice-shop takes the name of a variable of ours.
      SLUICE_SHOP_PORT: 'tcp://10.0.0.1:9080',
    }
    expect(configOf(injected).shop.port).toBe(80)
    expect(mistakesOf({ SLUICE_SHOPS_PORT: '80' })).toHaveLength(1)
  })
})

describe('of the other tier', () => {
  test('variables and sections are left to it, whatever they hold', () => {
    const file = { garden: 'hush', kitchen: { stoves: 'many', tea: {} } }
    expect(mistakesOf({ SLUICE_GARDEN_TREES: 'x', SLUICE_KITCHEN_STOVES: 'y' }, { '/config.json': file })).toEqual([])
  })

  test('the fields that our schema has are read, and judged', () => {
    const file = { kitchen: { stoves: 'many', ovens: 3 } }
    expect(configOf({}, { '/config.json': file }).kitchen).toEqual({ ovens: 3 })
    expect(configOf({ SLUICE_KITCHEN_OVENS: '4' }, { '/config.json': file }).kitchen).toEqual({ ovens: 4 })
    expect(mistakesOf({ SLUICE_KITCHEN_OVENS: '10' })).toEqual([
      'SLUICE_KITCHEN_OVENS (kitchen.ovens) is 10; allowed: a whole number from 0 to 9',
    ])
  })

  test('a section that is no object is for it to tell', () => {
    expect(configOf({}, { '/config.json': { kitchen: ['hush'] } }).kitchen).toEqual({ ovens: 2 })
  })
})

describe('mistakes', () => {
  test('are told together, each with variable, path, value and what is allowed', () => {
    const env = {
      SLUICE_SHOP_PORT: '99999',
      SLUICE_LOG_LEVEL: 'loud',
      SLUICE_SHOP_OPEN: 'yes',
      SLUICE_SHOP_GUESTS_MAX: '1e1',
    }
    expect(mistakesOf(env, { '/config.json': { shop: { wares: ['milk'] } } })).toEqual([
      'SLUICE_LOG_LEVEL (log.level) is "loud"; allowed: one of trace, debug, info, warn, error, fatal',
      'SLUICE_SHOP_OPEN (shop.open) is "yes"; allowed: true or false',
      'SLUICE_SHOP_PORT (shop.port) is 99999; allowed: a whole number from 0 to 65535',
      'SLUICE_SHOP_WARES (shop.wares) is "milk"; allowed: a list of tea, cake',
      'SLUICE_SHOP_GUESTS_MAX (shop.guestsMax) is "1e1"; allowed: a whole number from 0 to 100',
    ])
  })

  test('of single fields are told beside those of relations, which count defaults too', () => {
    const file = { shop: { guestsMin: 11, port: 'big' } }
    expect(mistakesOf({}, { '/config.json': file })).toEqual([
      'SLUICE_SHOP_PORT (shop.port) is "big"; allowed: a whole number from 0 to 65535',
      'SLUICE_SHOP_GUESTS_MIN (shop.guestsMin) is 11, SLUICE_SHOP_GUESTS_MAX (shop.guestsMax) is 10: guestsMin must not be above guestsMax',
    ])
  })

  test('of relations are left out where one of their fields is a mistake already', () => {
    expect(mistakesOf({ SLUICE_SHOP_GUESTS_MIN: '11', SLUICE_SHOP_GUESTS_MAX: 'x' })).toEqual([
      expect.stringMatching(/^SLUICE_SHOP_GUESTS_MAX .* is "x"; allowed: /),
    ])
  })

  test('in names of variables are told with the name that was meant, and without the value', () => {
    expect(mistakesOf({ SLUICE_SHOP_KYE: 'hush', SLUICE_NONSENSE: 'hush' })).toEqual([
      'SLUICE_SHOP_KYE is no variable of Sluice; did you mean SLUICE_SHOP_KEY?',
      'SLUICE_NONSENSE is no variable of Sluice',
    ])
  })

  test('in keys of the file are told with the key that was meant, and without the value', () => {
    const file = { shops: {}, shop: { guestMax: 'hush' }, namespaces: { chat: { presense: true } } }
    expect(mistakesOf({}, { '/config.json': file })).toEqual([
      'SLUICE_NAMESPACES (namespaces) at chat.presense is no setting of Sluice',
      'shop.guestMax in the configuration file is no setting of Sluice; did you mean guestsMax?',
      'shops in the configuration file is no setting of Sluice; did you mean shop?',
    ])
  })

  test('inside a field of JSON say where', () => {
    const namespaces = { 'a b': {}, chat: { join: { who: 'me' } } }
    expect(mistakesOf({ SLUICE_NAMESPACES: JSON.stringify(namespaces) })).toEqual([
      expect.stringMatching(/^SLUICE_NAMESPACES \(namespaces\) has the key "a b": a namespace is called/),
      expect.stringMatching(/^SLUICE_NAMESPACES \(namespaces\) at chat.join.who is "me": .*anyone/),
    ])
  })

  test('of a variable that is not JSON say so without quoting it', () => {
    expect(mistakesOf({ SLUICE_NAMESPACES: '{"chat": hush' })).toEqual([
      'SLUICE_NAMESPACES (namespaces) is not JSON; allowed: JSON of the form {"chat":{"join":{"who":"anyone"}}}',
    ])
  })

  test('of a section that is no object are told without showing it', () => {
    expect(mistakesOf({ SLUICE_SHOP_PORT: '1' }, { '/config.json': { shop: 'hush', log: ['hush'] } })).toEqual([
      'log in the configuration file is a list; allowed: an object',
      'shop in the configuration file is a string; allowed: an object',
    ])
  })

  test('hide users and passwords of addresses', () => {
    expect(mistakesOf({ SLUICE_NATS_URL: 'nats://me:hush@a:4222' })).toEqual([
      expect.stringContaining('SLUICE_NATS_URL (nats.url) is "nats://***@a:4222"'),
    ])
  })

  test('show at most eighty characters of a value', () => {
    const [told = ''] = mistakesOf({ SLUICE_SHOP_WARES: 'x y'.repeat(1000) })
    expect(told.length).toBeLessThan(200)
  })
})

describe('the file', () => {
  test.each([
    ['that is absent', {}, 'SLUICE_CONFIG: /config.json cannot be read (ENOENT)'],
    ['that holds a list', { '/config.json': '[]' }, 'SLUICE_CONFIG: /config.json must hold one JSON object'],
    [
      'with a comma too many',
      { '/config.json': '{"a": 1,\n}' },
      'SLUICE_CONFIG: /config.json is not JSON (line 2 column 1)',
    ],
    [
      'with a word without quotes, which is not shown,',
      { '/config.json': '{"shop": {\n  "key":\n  hushhushhushhushhushhush\n} }' },
      'SLUICE_CONFIG: /config.json is not JSON (near line 3)',
    ],
  ])('%s is one mistake, and nothing is guessed about what it would have said', (_, files, mistake) => {
    const env = { SLUICE_CONFIG: '/config.json', SLUICE_SHOP_GUESTS_MIN: '11' }
    expect(load(env, files)).toEqual({ ok: false, mistakes: [mistake] })
  })

  test('that cannot be read does not hide what is wrong with variables', () => {
    expect(mistakesOf({ SLUICE_CONFIG: '/gone', SLUICE_SHOP_PORT: 'x' })).toHaveLength(2)
  })
})

describe('secrets', () => {
  test('come from files, without the newline at the end', () => {
    const config = configOf({ SLUICE_SHOP_KEY_FILE: '/key' }, { '/key': 'sesame\r\n' })
    expect(config.shop).toMatchObject({ key: 'sesame', keyFile: '/key' })
  })

  test('that are wrong are refused without being shown, by the name of what was set', () => {
    expect(mistakesOf({ SLUICE_SHOP_KEY: 'hush-hush-hush' })).toEqual([
      'SLUICE_SHOP_KEY (shop.key) is a value that is not shown; allowed: text of 4 to 8 characters',
    ])
    expect(mistakesOf({ SLUICE_SHOP_KEY_FILE: '/key' }, { '/key': 'hush-hush-hush\n' })).toEqual([
      'SLUICE_SHOP_KEY_FILE (shop.keyFile): the content of the file is not shown; allowed: text of 4 to 8 characters',
    ])
  })

  test('in a file that cannot be read are one mistake', () => {
    expect(mistakesOf({ SLUICE_SHOP_KEY_FILE: '/gone' })).toEqual([
      'SLUICE_SHOP_KEY_FILE (shop.keyFile) is "/gone", which cannot be read (ENOENT)',
    ])
  })

  test('for NATS stay paths, which must be readable at start', () => {
    const files = { '/creds': 'jwt and seed' }
    expect(configOf({ SLUICE_NATS_CREDS_FILE: '/creds' }, files).nats.credsFile).toBe('/creds')
    expect(mistakesOf({ SLUICE_NATS_CREDS_FILE: '/gone' }, files)).toEqual([
      'SLUICE_NATS_CREDS_FILE (nats.credsFile) is "/gone", which cannot be read (ENOENT)',
    ])
  })
})
