// defineSchema: what it takes, what it refuses and how it names the place.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineSchema } from '../../js/schema.js'
import { somaticSchema } from '../../js/somatic-schema.js'

/**
 * One collection `notes`, changed as the case wants.
 * @param {object} [collection]
 * @param {object} [field]
 * @returns {any}
 */
function schemaWith(collection = {}, field = {}) {
  const text = { column: 'text', type: 'text', ...field }
  const id = { column: 'id', type: 'text' }
  return {
    collections: { notes: { table: 'notes', key: 'id', fields: { id, text }, ...collection } },
  }
}

test('gives a frozen copy and leaves the original alone', () => {
  const given = schemaWith({}, { maxBytes: 10, values: ['a'] })
  const schema = defineSchema(/** @type {any} */ (given))
  assert.deepEqual(schema, given)
  assert.notEqual(schema, given)
  assert.ok(Object.isFrozen(schema.collections.notes.fields.text.values))
  assert.ok(!Object.isFrozen(given.collections.notes))
  assert.deepEqual(defineSchema(schema), schema)
})

test('takes every type, rule and option', () => {
  const fields = {
    id: { column: 'id', type: 'text' },
    days: { column: 'days', type: 'json', merge: 'union' },
    streak: { column: 'streak', type: 'integer', derived: { from: 'days', as: 'streak' } },
    lastDay: { column: 'last_day', type: 'date', derived: { from: 'days', as: 'lastDay' } },
    count: { column: 'count', type: 'integer', merge: 'counter', min: 0 },
    best: { column: 'best', type: 'number', merge: 'max', scale: 2, nulls: 'lose' },
    since: { column: 'since', type: 'timestamp', merge: 'min' },
    done: { column: 'done', type: 'boolean', merge: 'or', required: true },
    items: { column: 'items', type: 'json', merge: { byKey: 'id', newest: 'at' } },
    mood: { column: 'metadata.mood', type: 'text', values: ['good', null] },
    vector: { column: 'vector', type: 'vector', merge: 'first' },
  }
  const embed = { when: 'always', text: ['mood'] }
  const schema = {
    collections: {
      notes: {
        table: 'notes',
        key: 'id',
        fields,
        embed,
        maxAgeMs: { mood: 1 },
        onDelete: 'delete-wins',
      },
    },
  }
  assert.deepEqual(defineSchema(/** @type {any} */ (schema)), schema)
})

/** @type {{ name: string, schema: any, says: RegExp }[]} */
const refused = [
  { name: 'nothing', schema: undefined, says: /collections must be an object/ },
  { name: 'no fields', schema: schemaWith({ fields: undefined }), says: /notes\.fields must be/ },
  { name: 'no table', schema: schemaWith({ table: undefined }), says: /notes\.table is missing/ },
  {
    name: 'a table of its own when local',
    schema: schemaWith({ localOnly: true }),
    says: /notes\.table/,
  },
  {
    name: 'a key that is no field',
    schema: schemaWith({ key: 'name' }),
    says: /notes\.key is not a field/,
  },
  {
    name: 'a key that is inherited',
    schema: schemaWith({ key: 'toString' }),
    says: /notes\.key is not a field/,
  },
  {
    name: 'an unknown option',
    schema: schemaWith({ tabel: 'x' }),
    says: /notes "tabel" is unknown/,
  },
  { name: 'an unknown onDelete', schema: schemaWith({ onDelete: 'edit' }), says: /onDelete/ },
  { name: 'an age of 0', schema: schemaWith({ maxAgeMs: 0 }), says: /maxAgeMs/ },
  {
    name: 'an age of no field',
    schema: schemaWith({ maxAgeMs: { x: 1 } }),
    says: /maxAgeMs\.x is not a field/,
  },
  { name: 'a strange name', schema: { collections: { 'a b': {} } }, says: /a b is not a name/ },
  {
    name: 'a table twice',
    schema: { collections: { ...schemaWith().collections, more: schemaWith().collections.notes } },
    says: /more\.table "notes" belongs to two/,
  },
  {
    name: 'an unknown type',
    schema: schemaWith({}, { type: 'string' }),
    says: /text\.type "string"/,
  },
  {
    name: 'no column',
    schema: schemaWith({}, { column: undefined }),
    says: /text\.column is missing/,
  },
  {
    name: 'a column that is SQL',
    schema: schemaWith({}, { column: 'a;b' }),
    says: /"a;b" is not a column/,
  },
  {
    name: 'a column of the engine',
    schema: schemaWith({}, { column: 'version' }),
    says: /kept by the engine/,
  },
  {
    name: 'a column twice',
    schema: schemaWith({ key: 'text' }, { column: 'id' }),
    says: /belongs to two fields|only for the key/,
  },
  {
    name: 'id for another field',
    schema: schemaWith({
      fields: { id: { column: 'x', type: 'text' }, text: { column: 'id', type: 'text' } },
    }),
    says: /text\.column "id" is only for the key/,
  },
  {
    name: 'a key that is a number',
    schema: schemaWith({ fields: { id: { column: 'id', type: 'integer' } } }),
    says: /a key is a text or a date/,
  },
  {
    name: 'an unknown rule',
    schema: schemaWith({}, { merge: 'last' }),
    says: /"last" is not a rule/,
  },
  {
    name: 'a rule that is inherited',
    schema: schemaWith({}, { merge: 'toString' }),
    says: /is not a rule/,
  },
  {
    name: 'a counter of texts',
    schema: schemaWith({}, { merge: 'counter' }),
    says: /"counter" is not for text/,
  },
  {
    name: 'byKey without a key',
    schema: schemaWith({}, { type: 'json', merge: {} }),
    says: /byKey is missing/,
  },
  {
    name: 'byKey of texts',
    schema: schemaWith({}, { merge: { byKey: 'id' } }),
    says: /byKey is for json/,
  },
  {
    name: 'a bound that is a text',
    schema: schemaWith({}, { min: '0' }),
    says: /text\.min must be a number/,
  },
  { name: 'a scale of a text', schema: schemaWith({}, { scale: 2 }), says: /scale is for numbers/ },
  {
    name: 'maxBytes of json',
    schema: schemaWith({}, { type: 'json', maxBytes: 2 }),
    says: /maxBytes is for texts/,
  },
  {
    name: 'nulls that win',
    schema: schemaWith({}, { nulls: 'win' }),
    says: /nulls must be "lose"/,
  },
  {
    name: 'derived from nothing',
    schema: schemaWith({}, { type: 'integer', derived: { from: 'x', as: 'streak' } }),
    says: /derived\.from/,
  },
  {
    name: 'derived with the wrong type',
    schema: schemaWith({}, { derived: { from: 'x', as: 'streak' } }),
    says: /has the type "integer"/,
  },
  {
    name: 'derived as nothing',
    schema: schemaWith({}, { derived: { from: 'x', as: 'sum' } }),
    says: /derived\.as/,
  },
]
for (const { name, schema, says } of refused) {
  test(`refuses ${name}`, () => {
    assert.throws(() => defineSchema(schema), {
      name: 'SyncError',
      code: 'invalid-value',
      message: says,
    })
  })
}

test('the PIN is in no collection, and what is local has no table', () => {
  const { auth, theme } = somaticSchema.collections
  assert.deepEqual(Object.keys(auth.fields), ['session', 'email'])
  for (const spec of [auth, theme]) {
    assert.ok(spec.localOnly)
    assert.ok(!('table' in spec))
  }
})
