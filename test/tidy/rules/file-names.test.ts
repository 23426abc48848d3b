import { expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { fileNames } from './file-names.ts'

test.each(['gateway/src/utils.ts', 'gateway/src/common/a.ts', 'proto/src/types.ts', 'test/harness/helpers.test.ts'])(
  'the vague name %s is an offence',
  (path) => {
    expect(fileNames([sourceFile(path, '')])).toHaveLength(1)
  },
)

test.each(['gateway/src/sendQueue.ts', 'gateway/src/Session.ts', 'gateway/src/send_queue.ts'])(
  'the name %s is not kebab-case',
  (path) => {
    expect(fileNames([sourceFile(path, '')])).toHaveLength(1)
  },
)

test.each(['gateway/src/send-queue.ts', 'proto/vectors/1/names.json', 'gateway/src/close-codes.test.ts', 'README.md'])(
  'the name %s is fine',
  (path) => {
    expect(fileNames([sourceFile(path, '')])).toEqual([])
  },
)
