// Prints how long a push of 1,000 inserts and a pull of 5,000 rows take beside one bulk upsert of
// the same rows. Figures to look at, not limits: only that everything arrived is checked.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { hasPostgres } from './postgres.js'
import { log, newDevice, newUser, openPglite, openPostgres } from './support.js'

for (const open of [openPglite, ...(hasPostgres ? [openPostgres] : [])]) {
  test(`timing: ${open.name}`, async () => {
    const backend = await open()
    after(() => backend.close())
    const owner = await newUser(backend)
    const writer = newDevice(backend, owner)
    const reader = newDevice(backend, owner)

    for (let round = 1; round <= 3; round++) {
      const push = Array.from({ length: 1000 }, (_, i) => log(`entry ${round} ${i}`))
      const pushed = performance.now()
      const answers = await writer.push(...push)
      const pushMs = performance.now() - pushed
      assert.equal(answers.filter((a) => a.status === 'applied').length, 1000)

      const rows = push.map((m) => ({ user_id: owner, id: randomUUID(), ...m.set }))
      const upserted = performance.now()
      await backend.as(
        owner,
        `insert into public.sovereign_logs (user_id, id, category, content)
         select user_id, id, category, content
         from jsonb_populate_recordset(null::public.sovereign_logs, ($1::text)::jsonb)
         on conflict (user_id, id) do update set content = excluded.content`,
        [JSON.stringify(rows)],
      )
      const upsertMs = performance.now() - upserted
      print(
        backend.name,
        `push of 1,000 ${pushMs.toFixed(0)} ms, bulk upsert ${upsertMs.toFixed(0)} ms`,
      )
    }

    for (const page of ['first', 'second']) {
      const pulled = performance.now()
      const answer = await reader.sync({ limit: 5000 })
      print(
        backend.name,
        `pull of 5,000, ${page} time ${(performance.now() - pulled).toFixed(0)} ms`,
      )
      assert.equal(answer.rows.sovereign_logs.length, 5000)
      assert.equal(answer.more, true)
    }
    await reader.pull()
    const idle = performance.now()
    await reader.sync()
    print(backend.name, `idle request ${(performance.now() - idle).toFixed(1)} ms`)
  })
}

/**
 * @param {string} backend
 * @param {string} line
 */
function print(backend, line) {
  console.log(`# ${backend}: ${line}`)
}
