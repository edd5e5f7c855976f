import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ScheduleList, ZoneOffsets, decodeSchedules, encodeSchedules, nextFiring } from '@rivulet/store-types'

const SECOND = 1_000_000_000n
const NOW = 1_700_000_000n * SECOND

/** `zone|pattern|seconds|next or error` and `BAD|pattern|next or error`, printed by nats-server's own parser. */
const firings = readFileSync(new URL('../fixtures/cron-firings.txt', import.meta.url), 'latin1').trim().split('\n')

describe('cron schedules', () => {
  it('fire when the reference fires, in eight zones, around every change of clocks', () => {
    const wrong: string[] = []
    for (const line of firings.filter((each) => !each.startsWith('BAD'))) {
      const [zone, pattern, seconds, expected] = line.split('|') as [string, string, string, string]
      const after = BigInt(seconds) * SECOND + 5n
      const firing = nextFiring(pattern, ZoneOffsets.of(zone), after, 0n)
      const got = firing === undefined ? 'error' : String(firing.at / SECOND)
      if (got !== expected) wrong.push(`${line}: ${got}`)
    }

    // The reference steps over a whole day (Havana skips midnight itself) or an hour too many (Lord Howe
    // moves by half an hour) right after the change; we fire at the first time that matches.
    expect(wrong).toEqual([
      'Australia/Lord_Howe|0 30 1 * * *|1728140400|1728142200: 1728225000',
      'Australia/Lord_Howe|0 0 0 * * 0|1728140400|1729342800: 1728738000',
      'Australia/Lord_Howe|5/20 10-20/5 */6 1-7 * *|1728140400|1728177005: 1728155405',
      'Australia/Lord_Howe|30 15 0 * * *|1728140400|1728306930: 1728220530',
      'America/Havana|*/15 5,35 0-6/2 * jan-mar mon-fri|1741503599|1741665900: 1741579500',
      'America/Havana|0 0 12 13 * fri|1741503599|1741968000: 1741881600',
      'America/Havana|5/20 10-20/5 */6 1-7 * *|1741503599|1743567005: 1743480605',
      'America/Havana|0 0 0 15 * 1,3|1741503599|1741752000: 1741579200',
    ])
  })

  it('are refused when the reference refuses them', () => {
    const wrong: string[] = []
    for (const line of firings.filter((each) => each.startsWith('BAD'))) {
      const [, pattern, expected] = line.split('|') as [string, string, string]
      const firing = nextFiring(pattern, undefined, NOW, NOW)
      const got = firing === undefined ? 'error' : String(firing.at / SECOND)
      if (got !== expected) wrong.push(`${line}: ${got}`)
    }

    expect(wrong).toEqual([])
  })

  it.each([
    ['@hourly', '2023-11-14T23:00:00Z'],
    ['@daily', '2023-11-15T00:00:00Z'],
    ['@midnight', '2023-11-15T00:00:00Z'],
    ['@weekly', '2023-11-19T00:00:00Z'],
    ['@monthly', '2023-12-01T00:00:00Z'],
    ['@yearly', '2024-01-01T00:00:00Z'],
    ['@annually', '2024-01-01T00:00:00Z'],
  ])('%s fires at %s', (word, at) => {
    expect(nextFiring(word, undefined, NOW, NOW)).toEqual({ at: BigInt(Date.parse(at)) * 1_000_000n, repeats: true })
  })

  it('skip what was missed', () => {
    expect(nextFiring('0 * * * * *', undefined, 0n, NOW)?.at).toBe(1_700_000_040n * SECOND)
  })
})

describe('@every', () => {
  it('counts from the last firing, rounded to the second', () => {
    expect(nextFiring('@every 1.5s', undefined, NOW + SECOND / 2n, NOW)).toEqual({ at: NOW + SECOND + 1_500_000_000n, repeats: true })
    expect(nextFiring('@every 1.5s', undefined, NOW + SECOND / 2n - 1n, NOW)?.at).toBe(NOW + 1_500_000_000n)
  })

  it('skips what was missed', () => {
    expect(nextFiring('@every 5s', undefined, 0n, NOW)?.at).toBe(NOW + 5n * SECOND)
  })

  it.each(['@every 999ms', '@every x', '@every', '@every -5s'])('refuses %s', (pattern) => {
    expect(nextFiring(pattern, undefined, NOW, NOW)).toBeUndefined()
  })
})

describe('@at', () => {
  it('fires once, also in the past', () => {
    expect(nextFiring('@at 2023-11-14T22:13:20.5Z', undefined, NOW, NOW)).toEqual({ at: NOW + SECOND / 2n, repeats: false })
    expect(nextFiring('@at 2001-01-01T00:00:00+01:00', undefined, NOW, NOW)?.repeats).toBe(false)
  })

  it('takes no zone, as @every, and no other text', () => {
    expect(nextFiring('@at 2023-11-14T22:13:20Z', ZoneOffsets.utc, NOW, NOW)).toBeUndefined()
    expect(nextFiring('@every 5s', ZoneOffsets.utc, NOW, NOW)).toBeUndefined()
    expect(nextFiring('@at tomorrow', undefined, NOW, NOW)).toBeUndefined()
    expect(nextFiring('', undefined, NOW, NOW)).toBeUndefined()
    expect(nextFiring('@minutely', undefined, NOW, NOW)).toBeUndefined()
  })
})

describe('time zones', () => {
  it('are IANA names, UTC and Local', () => {
    expect(ZoneOffsets.of('Europe/Amsterdam').offsetAt(1_700_000_000)).toBe(3600)
    expect(ZoneOffsets.of('UTC').offsetAt(1_700_000_000)).toBe(0)
    expect(() => ZoneOffsets.of('Local')).not.toThrow()
    for (const name of ['', 'Nowhere/City', '+01:00', 'x y']) expect(() => ZoneOffsets.of(name)).toThrow(`unknown time zone ${name}`)
  })
})

describe('ScheduleList', () => {
  it('holds one schedule a subject, and gives out what is due once', () => {
    const list = new ScheduleList()
    list.add('a', 1, NOW)
    list.add('b', 2, NOW + 1n)
    list.add('a', 3, NOW)
    const due = (at: bigint): number[] => list.takeDue(Number(at / SECOND), Number(at % SECOND)).map((each) => each.schedule.sequence)

    expect([list.size, list.nextDueMs()]).toEqual([2, 1_700_000_000_000])
    expect([due(NOW), due(NOW), due(NOW + 1n)]).toEqual([[3], [], [2]])
    list.update('a', NOW + 5n * SECOND)
    list.update('nothing', NOW)
    expect([due(NOW + SECOND), due(NOW + 5n * SECOND)]).toEqual([[], [3]])
    list.remove(3)
    list.remove(77)
    list.removeSubject('b')
    expect([list.size, due(NOW + 100n * SECOND), list.nextDueMs()]).toEqual([0, [], undefined])
    list.add('c', 9, NOW)
    list.clear()
    expect([list.size, due(NOW)]).toEqual([0, []])
  })

  it('has the bytes of the worked example, and is refused when cut', () => {
    const example = '01010000000000000004000000000000000a006f72646572732e6e65778088e1a08dc3ce972f02'
    const list = new ScheduleList()
    list.add('orders.new', 2, NOW + 61n * SECOND)
    const read = new ScheduleList()
    const bytes = Buffer.from(example, 'hex')

    expect(encodeSchedules(list, 4).toString('hex')).toBe(example)
    expect(decodeSchedules(bytes, read)).toBe(4)
    expect([...read.schedules]).toEqual([...list.schedules])
    for (let size = 0; size < bytes.length; size++) {
      expect(() => decodeSchedules(bytes.subarray(0, size), new ScheduleList())).toThrow('sched.db')
    }
  })
})
