// The demo's judge must be able to say no: evidence that is right passes, and each kind of damage to it is called what it is.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge, tables } from '../../demo/judge.js'

const ada = '11111111-1111-4111-8111-111111111111'
const ben = '22222222-2222-4222-8222-222222222222'
const logId = '33333333-3333-4333-8333-333333333333'

/** Two devices of Ada, one of Ben, a log entry and a counter: all of it right. */
function evidence() {
  const log = {
    id: logId,
    category: 'chat',
    content: 'hello',
    metadata: { messageId: 'm1', mood: 'calm' },
  }
  const progress = {
    ...{ totalCompletions: 12, complianceStreak: 2, lastCompletedDate: '2026-11-02' },
    completedDays: [['2026-11-01', '2026-11-02']],
  }
  const empty = () =>
    Object.fromEntries(Object.keys(tables).map((name) => [name, /** @type {any[]} */ ([])]))
  /** @param {string} name */
  const device = (name) => ({
    ...{ name, overwritten: /** @type {any[]} */ ([]) },
    rows: { ...empty(), logs: [structuredClone(log)], progress: [structuredClone(progress)] },
  })
  /** @type {Record<string, any[]>} */
  const sql = Object.fromEntries(Object.values(tables).map(([table]) => [table, []]))
  sql.sovereign_logs = [
    { user_id: ada, version: 3, clocks: {}, updated_at: 'now', ...structuredClone(log) },
  ]
  sql.user_progress = [
    {
      ...{ user_id: ada, id: 'x', version: 4, clocks: {}, total_completions: 12 },
      ...{ compliance_streak: 2, last_completed_date: '2026-11-02' },
      completed_days: [['2026-11-01', '2026-11-02']],
    },
  ]
  const nothing = Object.fromEntries(
    Object.values(tables).map(([table]) => [table, /** @type {any[]} */ ([])]),
  )
  const write = { user: ada, before: null, op: /** @type {const} */ ('put') }
  const add = {
    ...{ ...write, collection: 'progress', key: 'self', op: /** @type {const} */ ('increment') },
    ...{ field: 'totalCompletions', by: 1 },
  }
  return {
    log: [
      {
        ...{ ...write, device: 'A', at: 1, collection: 'progress', key: 'self' },
        fields: { totalCompletions: 10, completedDays: [] },
      },
      { ...add, device: 'A', at: 2, fields: { completedDays: ['2026-11-01'] } },
      { ...add, device: 'B', at: 3, fields: { completedDays: ['2026-11-02'] } },
      {
        ...{ ...write, device: 'A', at: 4, collection: 'logs', key: logId },
        fields: { category: 'chat', content: 'hello', metadata: log.metadata },
      },
    ],
    users: [
      { id: ada, devices: [device('A'), device('B')] },
      { id: ben, devices: [{ name: 'C', overwritten: [], rows: empty() }] },
    ],
    seen: { [ada]: { ...nothing, ...structuredClone(sql) }, [ben]: structuredClone(nothing) },
    sql,
  }
}

/** @typedef {ReturnType<typeof evidence>} Evidence */

/** Changes a table wherever it is seen. @param {Evidence} all @param {string} table @param {(rows: any[]) => void} change */
function everywhere({ sql, seen }, table, change) {
  change(sql[table])
  change(seen[ada][table])
}

/** @type {{ name: string, damage: (all: Evidence) => void, want: object }[]} */
const cases = [
  { name: 'nothing', damage: () => {}, want: { converged: true } },
  {
    name: 'a row that is missing',
    damage: (all) => everywhere(all, 'sovereign_logs', (rows) => rows.pop()),
    want: { lost: 1, converged: false },
  },
  {
    name: 'a field that fell back',
    damage: (all) =>
      everywhere(all, 'sovereign_logs', ([row]) => {
        row.metadata.mood = 'tired'
      }),
    want: { lost: 1, converged: false },
  },
  {
    name: 'an increment that counted twice',
    damage: (all) =>
      everywhere(all, 'user_progress', ([row]) => {
        row.total_completions = 13
      }),
    want: { duplicated: 1, converged: false },
  },
  {
    name: 'an increment that did not count',
    damage: (all) =>
      everywhere(all, 'user_progress', ([row]) => {
        row.total_completions = 11
      }),
    want: { lost: 1, converged: false },
  },
  {
    name: 'a twin under another id',
    damage: (all) =>
      everywhere(all, 'sovereign_logs', (rows) => rows.push({ ...rows[0], id: 'another' })),
    want: { duplicated: 1, converged: false },
  },
  {
    name: "a row of Ada's that the server shows Ben",
    damage: ({ sql, seen }) => seen[ben].sovereign_logs.push(sql.sovereign_logs[0]),
    want: { foreignRowsVisible: 1, converged: false },
  },
  {
    name: "a row of Ada's on Ben's device",
    damage: ({ users }) => users[1].devices[0].rows.logs.push(users[0].devices[0].rows.logs[0]),
    want: { foreignRowsVisible: 1, converged: false },
  },
  {
    name: 'two devices that differ',
    damage: ({ users }) => {
      users[0].devices[1].rows.logs[0].content = 'bye'
    },
    want: { converged: false },
  },
  {
    name: 'a long text that lost and was not kept',
    damage: (all) => {
      const before = { content: 'hello' }
      const text = 'a long text '.repeat(10)
      const patch = {
        user: ada,
        collection: 'logs',
        key: logId,
        op: /** @type {const} */ ('patch'),
        before,
      }
      const log = /** @type {any[]} */ (all.log)
      log.push({ ...patch, device: 'A', at: 5, fields: { content: text } })
      log.push({ ...patch, device: 'B', at: 6, fields: { content: 'hello again' } })
      everywhere(all, 'sovereign_logs', ([row]) => {
        row.content = 'hello again'
      })
      for (const { rows } of all.users[0].devices) rows.logs[0].content = 'hello again'
    },
    want: { lost: 1 },
  },
]

for (const { name, damage, want } of cases) {
  test(`the judge sees ${name}`, () => {
    const all = evidence()
    damage(all)
    const { problems, rows, ...verdict } = judge(/** @type {any} */ (all))
    const right = { converged: true, lost: 0, duplicated: 0, foreignRowsVisible: 0 }
    assert.deepEqual(verdict, { ...right, ...want }, problems.join('\n'))
    assert.equal(problems.length > 0, name !== 'nothing')
  })
}
