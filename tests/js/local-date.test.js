// The user's calendar day: zones, both changes of the clock, days that never were, far years.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localDate } from '../../js/local-date.js'

const cases = [
  { at: '2026-11-22T23:30:00Z', zone: 'UTC', want: '2026-11-22' },
  { at: '2026-11-22T23:30:00Z', zone: 'Europe/Berlin', want: '2026-11-23' },
  { at: '2026-11-22T23:30:00Z', zone: 'America/Los_Angeles', want: '2026-11-22' },
  { at: '2026-11-22T09:59:59Z', zone: 'Pacific/Kiritimati', want: '2026-11-22' },
  { at: '2026-11-22T10:00:00Z', zone: 'Pacific/Kiritimati', want: '2026-11-23' },
  { at: '2026-11-22T11:00:00Z', zone: 'Pacific/Pago_Pago', want: '2026-11-22' },
  { at: '2026-11-22T10:59:59Z', zone: 'Pacific/Pago_Pago', want: '2026-11-21' },
  // clocks go forward at 01:00 UTC: midnight is UTC+1, the next one UTC+2
  { at: '2026-03-28T22:59:59Z', zone: 'Europe/Berlin', want: '2026-03-28' },
  { at: '2026-03-28T23:00:00Z', zone: 'Europe/Berlin', want: '2026-03-29' },
  { at: '2026-03-29T21:59:59Z', zone: 'Europe/Berlin', want: '2026-03-29' },
  { at: '2026-03-29T22:00:00Z', zone: 'Europe/Berlin', want: '2026-03-30' },
  // and back: this day has 25 hours
  { at: '2026-10-24T22:00:00Z', zone: 'Europe/Berlin', want: '2026-10-25' },
  { at: '2026-10-25T22:59:59Z', zone: 'Europe/Berlin', want: '2026-10-25' },
  { at: '2026-10-25T23:00:00Z', zone: 'Europe/Berlin', want: '2026-10-26' },
  // Cairo goes forward at midnight: the day begins at 01:00
  { at: '2026-04-23T21:59:59Z', zone: 'Africa/Cairo', want: '2026-04-23' },
  { at: '2026-04-23T22:00:00Z', zone: 'Africa/Cairo', want: '2026-04-24' },
  // half an hour of daylight saving
  { at: '2026-04-04T12:59:59Z', zone: 'Australia/Lord_Howe', want: '2026-04-04' },
  { at: '2026-04-04T13:00:00Z', zone: 'Australia/Lord_Howe', want: '2026-04-05' },
  // Samoa skipped the 30th of December 2011
  { at: '2011-12-30T09:59:59Z', zone: 'Pacific/Apia', want: '2011-12-29' },
  { at: '2011-12-30T10:00:00Z', zone: 'Pacific/Apia', want: '2011-12-31' },
  { at: '2024-02-29T12:00:00Z', zone: 'Asia/Kathmandu', want: '2024-02-29' },
]
for (const { at, zone, want } of cases) {
  test(`${at} in ${zone} is ${want}`, () => {
    assert.equal(localDate(Date.parse(at), zone), want)
    assert.equal(localDate(new Date(at), zone), want)
  })
}

test("without a zone it is the device's, asked on every call", () => {
  const before = process.env.TZ
  const at = Date.parse('2026-11-22T23:30:00Z')
  try {
    for (const zone of ['Asia/Tokyo', 'America/New_York', 'Europe/Berlin']) {
      process.env.TZ = zone
      assert.equal(localDate(at), localDate(at, zone), zone)
      assert.match(localDate(), /^\d{4}-\d{2}-\d{2}$/)
    }
  } finally {
    if (before === undefined) delete process.env.TZ
    else process.env.TZ = before
  }
})

test('what is no time or no zone is refused', () => {
  assert.throws(() => localDate(Number.NaN), RangeError)
  assert.throws(() => localDate(Number.NaN, 'UTC'), RangeError)
  assert.throws(() => localDate(0, 'Europe/Atlantis'), RangeError)
})
