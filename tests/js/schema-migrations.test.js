// somaticSchema against the tables the migrations make: every column there is a field here, with a
// type that fits, and the other way round; keys, required fields and bounds too.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { somaticSchema } from '../../js/somatic-schema.js'
import { migrate, openPglite } from '../../supabase/tests/support.js'

/** Columns that are the sync's own, not the app's. `id` is a field only where it is the key. */
const own = ['user_id', 'id', 'version', 'clocks', 'updated_at']

/** @type {Record<string, string>} */
const postgresType = {
  text: 'text',
  integer: 'integer',
  number: 'numeric',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamp with time zone',
  json: 'jsonb',
  vector: 'USER-DEFINED',
}

/** @type {import('../../supabase/tests/support.js').Backend} */
let backend
/** @type {Record<string, Map<string, any>>} table -> column -> what information_schema says */
const tables = {}
/** @type {Record<string, string[]>} table -> its unique keys, as "user_id,date" */
const uniques = {}

before(async () => {
  backend = await migrate(await openPglite())
  const columns = await backend.admin(
    `select * from information_schema.columns where table_schema = 'public'`,
  )
  for (const column of columns) {
    tables[column.table_name] ??= new Map()
    tables[column.table_name].set(column.column_name, column)
  }
  const keys = await backend.admin(
    `select conrelid::regclass::text as name, pg_get_constraintdef(oid) as text
       from pg_constraint where contype in ('u', 'p') and connamespace = 'public'::regnamespace`,
  )
  for (const { name, text } of keys) {
    uniques[name] ??= []
    uniques[name].push(text.replace(/.*\(|\)|\s/g, ''))
  }
})
after(() => backend.close())

/** @type {[string, any][]} */
const synced = Object.entries(somaticSchema.collections).filter(
  ([, spec]) => !('localOnly' in spec),
)

test('there are nine synced collections, each with its table', () => {
  assert.equal(synced.length, 9)
  for (const [name, { table }] of synced) assert.ok(tables[table], `${name}: no table ${table}`)
})

for (const [name, { table, key, fields }] of synced) {
  test(`${name}: the fields are the columns of ${table}`, () => {
    const declared = Object.values(fields).map(({ column }) => column)
    const keyColumn = fields[key]?.column
    const stored = [...tables[table].keys()].filter(
      (column) => !own.includes(column) || column === keyColumn,
    )
    assert.deepEqual(declared.sort(), stored.sort())
  })

  test(`${name}: types, required fields and scales fit ${table}`, () => {
    for (const [field, spec] of Object.entries(fields)) {
      const column = tables[table].get(spec.column)
      const isKey = field === key
      const want = isKey && spec.column === 'id' ? 'uuid' : postgresType[spec.type]
      assert.equal(column.data_type, want, field)
      const isNotNull = column.is_nullable === 'NO'
      assert.equal(isNotNull, isKey || spec.required === true, `${field}: required as NOT NULL`)
      if (spec.type === 'number') assert.equal(spec.scale, column.numeric_scale, field)
    }
  })

  test(`${name}: one row per key in ${table}`, () => {
    const want = key === 'self' ? 'user_id' : `user_id,${fields[key].column}`
    assert.ok(uniques[table].includes(want), `${want} in ${uniques[table]}`)
  })

  test(`${name}: names are the columns' in camelCase`, () => {
    for (const [field, { column }] of Object.entries(fields)) {
      assert.equal(
        field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        column,
      )
    }
  })
}
