import { beforeEach, describe, expect, it } from 'vitest'
import { Harness, holdCommits } from './harness.js'

const TIME = 'Nats-Time-Stamp: 2024-01-01T00:00:00Z\r\n'

let api: Harness
beforeEach(async () => {
  api = await Harness.start()
  await api.ask('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], storage: 'memory', allow_direct: true })
  for (const [subject, text] of [
    ['s.a', 'm1'],
    ['s.b', 'm2'],
    ['s.c', 'm3'],
    ['s.a', 'm4'],
    ['s.b', 'm5'],
    ['s.c', 'm6'],
  ]) {
    await api.publish(subject as string, text)
  }
  await api.publish('s.h', 'with', 'K: v\r\nK: w')
  await api.publish('s.e')
  await api.ask('STREAM.MSG.DELETE.S', { seq: 5 })
})

/** Replies as short lines: `<subject> <sequence> <pending> <last> <text>` or the status line. */
async function get(body: unknown, suffix = 'S', headers = ''): Promise<string[]> {
  const payload = typeof body === 'string' ? body : JSON.stringify(body)
  const replies = await api.collect(`$JS.API.DIRECT.GET.${suffix}`, payload, headers)
  return replies.map((reply) => {
    const value = (name: string) => new RegExp(`\\r\\n${name}: (.*)\\r\\n`).exec(reply.headers)?.[1]
    const status = /^NATS\/1\.0 (.+)\r\n/.exec(reply.headers)?.[1]
    const place = [value('Nats-Num-Pending'), value('Nats-Last-Sequence'), value('Nats-UpTo-Sequence')]
    const words = status === undefined ? [value('Nats-Subject'), value('Nats-Sequence')] : [status]
    return [...words, ...place, reply.text].filter((word) => word !== undefined && word !== '').join(' ')
  })
}

describe('direct get of one message', () => {
  it('adds where the message comes from', async () => {
    const [reply] = await api.collect('$JS.API.DIRECT.GET.S', '{"seq":1}')

    expect(reply?.headers).toBe(`NATS/1.0\r\nNats-Stream: S\r\nNats-Subject: s.a\r\nNats-Sequence: 1\r\n${TIME}\r\n`)
    expect(reply?.text).toBe('m1')
  })

  it('keeps the stored headers in front', async () => {
    const [reply] = await api.collect('$JS.API.DIRECT.GET.S.s.h')

    expect(reply?.headers).toBe(
      `NATS/1.0\r\nK: v\r\nK: w\r\nNats-Stream: S\r\nNats-Subject: s.h\r\nNats-Sequence: 7\r\n${TIME}\r\n`,
    )
    expect(reply?.text).toBe('with')
  })

  it('leaves out all headers when asked', async () => {
    expect(await api.collect('$JS.API.DIRECT.GET.S', '{"seq":7,"no_hdr":true}')).toMatchObject([
      { headers: '', text: 'with' },
    ])
    expect(await api.collect('$JS.API.DIRECT.GET.S.s.h', '{"no_hdr":true}')).toMatchObject([
      { headers: '', text: 'with' },
    ])
  })

  it.each([
    [{ seq: 8 }, 's.e 8'],
    [{ last_by_subj: 's.a' }, 's.a 4 m4'],
    [{ last_by_subj: 's.*' }, 's.e 8'],
    [{ next_by_subj: 's.b' }, 's.b 2 m2'],
    [{ next_by_subj: 's.a', seq: 2 }, 's.a 4 m4'],
    [{ next_by_subj: '>', seq: 5 }, 's.c 6 m6'],
    [{ start_time: '2020-01-01T00:00:00Z' }, 's.a 1 m1'],
    [{ start_time: '2020-01-01T00:00:00Z', next_by_subj: 's.c' }, 's.c 3 m3'],
    [{ batch: 0, seq: 1 }, 's.a 1 m1'],
    [{ max_bytes: 40, seq: 1 }, 's.a 1 m1'],
  ])('%j', async (body, expected) => {
    expect(await get(body)).toEqual([expected])
  })

  it.each([
    [{ seq: 5 }, '404 Message Not Found'],
    [{ seq: 99 }, '404 Message Not Found'],
    [{ last_by_subj: 'zzz' }, '404 Message Not Found'],
    [{ next_by_subj: 's.a', seq: 5 }, '404 Message Not Found'],
    [{ start_time: '2099-01-01T00:00:00Z' }, '404 Message Not Found'],
    ['', '408 Empty Request'],
    ['{}', '408 Empty Request'],
    [{ seq: 0 }, '408 Empty Request'],
    [{ zzz: 1 }, '408 Empty Request'],
    [{ no_hdr: true }, '408 Empty Request'],
    [{ up_to_seq: 3 }, '408 Empty Request'],
    [{ batch: 2 }, '408 Empty Request'],
    [{ multi_last: [] }, '408 Empty Request'],
    ['{', '408 Malformed Request'],
    ['x', '408 Malformed Request'],
    [{ seq: '1' }, '408 Malformed Request'],
    [{ start_time: 'x' }, '408 Malformed Request'],
    [{ seq: 1, last_by_subj: 's.a' }, '408 Bad Request'],
    [{ seq: 1, start_time: '2020-01-01T00:00:00Z' }, '408 Bad Request'],
    [{ start_time: '2020-01-01T00:00:00Z', last_by_subj: 's.a' }, '408 Bad Request'],
    [{ last_by_subj: 's.a', next_by_subj: 's.b' }, '408 Bad Request'],
    [{ last_by_subj: 's.a', batch: 2 }, '408 Bad Request'],
    [{ last_by_subj: 's.a', multi_last: ['s.a'] }, '408 Bad Request'],
    [{ next_by_subj: 's.a', multi_last: ['s.a'] }, '408 Bad Request'],
    [{ multi_last: ['s.a'], up_to_seq: 1, up_to_time: '2020-01-01T00:00:00Z' }, '408 Bad Request'],
  ])('%j is refused', async (body, expected) => {
    expect(await get(body)).toEqual([expected])
  })

  it.each(['9', 'x'])('a demand of level %s is refused', async (level) => {
    expect(await get({ seq: 1 }, 'S', `Nats-Required-Api-Level: ${level}`)).toEqual(['412 Required Api Level'])
  })

  it('without a reply subject does nothing', () => {
    expect(api.send('$JS.API.DIRECT.GET.S', { payload: '{"seq":1}' })).toBe(1)
  })
})

describe('direct get by subject', () => {
  it.each([
    ['S.s.a', '', 's.a 4 m4'],
    ['S.s.a', '{}', 's.a 4 m4'],
    ['S.s.a', { max_bytes: 10 }, 's.a 4 m4'],
    ['S.s.*', '', 's.e 8'],
    ['S.zzz', '', '404 Message Not Found'],
    ['S.s.a', { seq: 1 }, '408 Bad Request'],
    ['S.s.a', { last_by_subj: 's.b' }, '408 Bad Request'],
    ['S.s.a', { next_by_subj: 's.b' }, '408 Bad Request'],
    ['S.s.a', { batch: 2 }, '408 Bad Request'],
    ['S.s.a', { multi_last: ['s.a'] }, '408 Bad Request'],
    ['S.s.a', { start_time: '2020-01-01T00:00:00Z' }, '408 Bad Request'],
    ['S.s.a', { up_to_seq: 1 }, '408 Bad Request'],
    ['S.s.a', '{', '408 Malformed Request'],
    ['S.s.a', 'x', '408 Malformed Request'],
  ])('%s with %j', async (suffix, body, expected) => {
    expect(await get(body, suffix)).toEqual([expected])
  })
})

describe('batches', () => {
  it.each([
    [{ batch: 3, seq: 1 }, ['s.a 1 6 0 m1', 's.b 2 5 1 m2', 's.c 3 4 2 m3', '204 EOB 4 3']],
    [{ batch: 3, seq: 4 }, ['s.a 4 3 0 m4', 's.c 6 2 4 m6', 's.h 7 1 6 with', '204 EOB 1 7']],
    [{ batch: 100, seq: 1, next_by_subj: 's.a' }, ['s.a 1 1 0 m1', 's.a 4 0 1 m4', '204 EOB 0 4']],
    [{ batch: 2, next_by_subj: 's.*' }, ['s.a 1 6 0 m1', 's.b 2 5 1 m2', '204 EOB 5 2']],
    [{ batch: 10, seq: 1, max_bytes: 1 }, ['s.a 1 6 0 m1', '204 EOB 6 1']],
    [{ batch: 1, seq: 7, no_hdr: true }, ['with', '204 EOB 2 7']],
    [{ batch: -1, seq: 1 }, ['204 EOB 7 0']],
    [{ batch: 2, seq: 99 }, ['404 Message Not Found']],
    [{ batch: 5, next_by_subj: 'zzz' }, ['404 Message Not Found']],
  ])('%j', async (body, expected) => {
    expect(await get(body)).toEqual(expected)
  })

  it('end where the byte budget is used up, with the message that crosses it', async () => {
    expect(await get({ batch: 10, seq: 1, max_bytes: 30 })).toEqual([
      's.a 1 6 0 m1',
      's.b 2 5 1 m2',
      's.c 3 4 2 m3',
      's.a 4 3 3 m4',
      's.c 6 2 4 m6',
      's.h 7 1 6 with',
      '204 EOB 1 7',
    ])
  })

  it('without a bound of their own have the server budget', async () => {
    const small = await Harness.start({ api: { directBatchBytes: 10 } })
    await small.ask('STREAM.CREATE.S', { name: 'S', subjects: ['s.>'], storage: 'memory', allow_direct: true })
    for (let i = 0; i < 5; i++) await small.publish('s.a', 'xxxx')

    expect(await small.collect('$JS.API.DIRECT.GET.S', '{"batch":5,"seq":1}')).toHaveLength(3)
  })
})

describe('the last messages of many subjects', () => {
  it.each([
    [{ multi_last: ['s.a', 's.b'] }, ['s.b 2 1 0 m2', 's.a 4 0 2 m4', '204 EOB 0 4 8']],
    [{ multi_last: ['>'], up_to_seq: 4 }, ['s.b 2 2 0 m2', 's.c 3 1 2 m3', 's.a 4 0 3 m4', '204 EOB 0 4 4']],
    [{ multi_last: ['s.a', 's.zzz'] }, ['s.a 4 0 0 m4', '204 EOB 0 4 8']],
    [{ multi_last: ['s.>'], batch: 2 }, ['s.b 2 4 0 m2', 's.a 4 3 2 m4', '204 EOB 3 4 8']],
    [{ multi_last: ['s.>'], batch: 2, seq: 6 }, ['s.c 6 2 0 m6', 's.h 7 1 6 with', '204 EOB 1 7 8']],
    [{ multi_last: ['s.>'], seq: 8 }, ['s.e 8 0 0', '204 EOB 0 8 8']],
    [{ multi_last: ['s.h'], no_hdr: true }, ['s.h 7 0 0 with', '204 EOB 0 7 8']],
    [{ multi_last: ['zzz'] }, ['404 No Results']],
    [{ multi_last: ['s..'] }, ['404 No Results']],
    [{ multi_last: ['s.>'], up_to_time: '2020-01-01T00:00:00Z' }, ['404 No Results']],
  ])('%j', async (body, expected) => {
    expect(await get(body)).toEqual(expected)
  })

  it('are refused beyond 1024 subjects', async () => {
    for (let i = 0; i < 1019; i++) api.send(`s.x.${i}`, { payload: 'x' })
    await api.settle()
    const enough = await get({ multi_last: ['s.>'] })
    api.send('s.x.more', { payload: 'x' })
    await api.settle()

    expect(enough).toHaveLength(1025)
    expect(await get({ multi_last: ['s.>'] })).toEqual(['413 Too Many Results'])
  })
})

describe('direct get as of a time', () => {
  beforeEach(async () => {
    await api.advance(10_000)
    await api.publish('s.a', 'late')
  })

  it('finds the first message stored then or later', async () => {
    expect(await get({ start_time: '2024-01-01T00:00:00Z' })).toEqual(['s.a 1 m1'])
    expect(await get({ start_time: '2024-01-01T00:00:01Z' })).toEqual(['s.a 9 late'])
    expect(await get({ start_time: '2024-01-01T00:00:11Z' })).toEqual(['404 Message Not Found'])
    expect(await get({ start_time: '2024-01-01T00:00:01Z', batch: 2 })).toEqual(['s.a 9 0 0 late', '204 EOB 0 9'])
  })

  it('ends before it: what was stored at that time does not count', async () => {
    const upTo = (time: string) => get({ multi_last: ['s.a'], up_to_time: time })

    expect(await upTo('2024-01-01T00:00:10.000000001Z')).toEqual(['s.a 9 0 0 late', '204 EOB 0 9 9'])
    expect(await upTo('2024-01-01T00:00:10Z')).toEqual(['s.a 4 0 0 m4', '204 EOB 0 4 8'])
    expect(await upTo('2024-01-01T00:00:00Z')).toEqual(['404 No Results'])
  })
})

describe('one message after the other', () => {
  it('by sequence, last, next and subject', async () => {
    expect(await get({ seq: 2 })).toEqual(['s.b 2 m2'])
    expect(await get({ last_by_subj: 's.a' })).toEqual(['s.a 4 m4'])
    expect(await get({ next_by_subj: 's.a', seq: 2 })).toEqual(['s.a 4 m4'])
    expect(await get('', 'S.s.b')).toEqual(['s.b 2 m2'])
  })

  it('pages of last messages go on where the one before ended', async () => {
    const pages: string[] = []
    for (let from = 0; from <= 8; ) {
      const page = await get({ multi_last: ['s.>'], batch: 2, seq: from, up_to_seq: 8 })
      const end = (page.at(-1) as string).split(' ')
      pages.push(...page.slice(0, -1).map((line) => line.split(' ')[1] as string))
      from = Number(end[3]) + 1
    }

    expect(pages).toEqual(['2', '4', '6', '7', '8'])
  })
})

describe('streams that do not allow it', () => {
  it('have no responders, until an update allows it', async () => {
    const config = { name: 'N', subjects: ['n'], storage: 'memory' }
    await api.ask('STREAM.CREATE.N', config)
    await api.publish('n', 'x')
    const before = await get('', 'N.n')
    await api.ask('STREAM.UPDATE.N', { ...config, allow_direct: true })
    const allowed = await get('', 'N.n')
    await api.ask('STREAM.UPDATE.N', config)
    const after = await get('', 'N.n')

    expect([before, allowed, after]).toEqual([['503'], ['n 1 x'], ['503']])
  })

  it('that are not there likewise', async () => {
    expect(await get({ seq: 1 }, 'NOPE')).toEqual(['503'])
  })
})

describe('messages that are not committed yet', () => {
  it.each([
    ['S.s.new', '', 's.new', 1],
    ['S', '{"seq":9}', 's.new', 1],
    ['S', '{"next_by_subj":"s.new"}', 's.new', 1],
    ['S', '{"batch":5,"seq":9}', 's.new', 2],
    ['S', '{"multi_last":["s.new"]}', 's.new', 2],
  ])('are waited for: %s with %s', async (suffix, body, subject, count) => {
    const commits = holdCommits(api, 'S')
    const inbox = api.subscribe('inbox')

    api.send(subject, { payload: 'x' })
    api.send(`$JS.API.DIRECT.GET.${suffix}`, { reply: 'inbox', payload: body })
    await api.settle()
    expect(inbox.take()).toEqual([])
    commits.commit()
    await api.settle()

    const replies = inbox.take()
    expect(replies).toHaveLength(count)
    expect(replies[0]?.text).toBe('x')
  })

  it('hold up nothing that is committed', async () => {
    holdCommits(api, 'S')

    api.send('s.new', { payload: 'x' })

    expect(await get('', 'S.s.a')).toEqual(['s.a 4 m4'])
    expect(await get({ seq: 1 })).toEqual(['s.a 1 m1'])
  })

  it('of a subject that is overwritten without pause are shown after a few commits', async () => {
    const commits = holdCommits(api, 'S')
    const inbox = api.subscribe('inbox')

    api.send('$JS.API.DIRECT.GET.S.s.a', { reply: 'inbox' })
    api.send('s.a', { payload: 'next' })
    api.send('$JS.API.DIRECT.GET.S.s.a', { reply: 'inbox' })
    for (let i = 0; i < 10; i++) {
      await api.settle()
      commits.commit(() => api.send('s.a', { payload: `again ${i}` }))
    }
    await api.settle()

    expect(inbox.take().map((reply) => reply.text)).toEqual(['m4', 'again 3'])
  })
})
