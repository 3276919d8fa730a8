// Long texts as passages: nothing lost, none too long, cut where a reader would.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passagesIn } from '../../js/search/embed-rules.js'
import { passagesOf } from '../../js/search/passages.js'
import { somaticSchema } from '../../js/somatic-schema.js'

const letters = (/** @type {string} */ text) => text.replace(/\s/g, '')

test('a short text is one passage, an empty one none', () => {
  assert.deepEqual(passagesOf(' a day \n'), ['a day'])
  assert.deepEqual(passagesOf(' \n '), [])
})

test('cut at paragraphs, then sentences, then words, then letters; nothing is lost', () => {
  const sentence = 'It rained all day, and then it stopped. '
  const samples = [
    `${'First paragraph. '.repeat(5)}\n\n${'Second paragraph. '.repeat(5)}`,
    sentence.repeat(20),
    'word '.repeat(100),
    'x'.repeat(500),
    '😀'.repeat(300),
  ]
  for (const text of samples) {
    const passages = passagesOf(text, 120)
    assert.ok(passages.every((each) => each.length <= 120 && each !== ''))
    assert.equal(letters(passages.join('')), letters(text))
    assert.ok(passages.every((each) => !/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/.test(each)))
  }
  assert.ok(passagesOf(samples[0], 120)[1].startsWith('Second'))
  assert.ok(passagesOf(samples[1], 120).every((each) => each.endsWith('.')))
})

test('the rules of the app: high ratings, insights, wins; all when asked', () => {
  const { embed } = somaticSchema.collections.logs
  const of = (/** @type {object} */ row, isAll = false) =>
    passagesIn(row, /** @type {any} */ (embed), isAll)
  const feedback = (/** @type {number} */ userRating) => ({
    ...{ category: 'feedback', content: 'helped', metadata: { userRating } },
  })
  assert.deepEqual(
    [of(feedback(4)), of(feedback(5)), of(feedback(3))],
    [['helped'], ['helped'], []],
  )
  const journal = { category: 'journal', content: 'a day', metadata: { insights: 'less coffee' } }
  assert.deepEqual(of(journal), ['a day\n\nless coffee'])
  assert.deepEqual(of({ ...journal, metadata: { insights: '' } }), [])
  const log = { category: 'sovereign', content: 'won', metadata: { entryType: 'Win' } }
  assert.deepEqual(of(log), ['won'])
  const chat = { category: 'chat', content: 'hello', metadata: null }
  assert.deepEqual([of(chat), of(chat, true)], [[], ['hello']])
})
