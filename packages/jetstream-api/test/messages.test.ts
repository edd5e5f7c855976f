import { beforeEach, describe, expect, it } from 'vitest'
import { Harness, holdCommits } from './harness.js'

let api: Harness
beforeEach(async () => {
  api = await Harness.start()
  await api.ask('STREAM.CREATE.G', { name: 'G', subjects: ['g.>'], storage: 'memory' })
  await api.publish('g.a', 'one')
  await api.publish('g.b', 'two', 'A: 1\r\nB: x\r\nB: y')
  await api.publish('g.a')
})

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('STREAM.MSG.GET', () => {
  it('gives the message in base64, headers whole', async () => {
    expect(await api.ask('STREAM.MSG.GET.G', { seq: 2 })).toEqual({
      type: 'io.nats.jetstream.api.v1.stream_msg_get_response',
      message: {
        subject: 'g.b',
        seq: 2,
        hdrs: base64('NATS/1.0\r\nA: 1\r\nB: x\r\nB: y\r\n\r\n'),
        data: base64('two'),
        time: '2024-01-01T00:00:00Z',
      },
    })
  })

  it('leaves out what is not there or not wanted', async () => {
    expect((await api.ask('STREAM.MSG.GET.G', { seq: 3 })).message).toEqual({
      subject: 'g.a',
      seq: 3,
      time: expect.any(String),
    })
    expect((await api.ask('STREAM.MSG.GET.G', { seq: 2, no_hdr: true })).message).not.toHaveProperty('hdrs')
  })

  it.each([
    [{ last_by_subj: 'g.a' }, 3],
    [{ last_by_subj: 'g.*' }, 3],
    [{ last_by_subj: 'g.b' }, 2],
    [{ next_by_subj: 'g.a' }, 1],
    [{ next_by_subj: 'g.a', seq: 2 }, 3],
    [{ next_by_subj: '>', seq: 2 }, 2],
    [{ start_time: '2020-01-01T00:00:00Z' }, 1],
    [{ start_time: '2020-01-01T00:00:00Z', next_by_subj: 'g.b' }, 2],
    [{ seq: 1, up_to_seq: 4 }, 1],
  ])('%j finds %i', async (body, sequence) => {
    expect((await api.ask('STREAM.MSG.GET.G', body)).message.seq).toBe(sequence)
  })

  it.each([
    [{ seq: 9 }, '10037 no message found'],
    [{ last_by_subj: 'g..' }, '10037 no message found'],
    [{ next_by_subj: 'g.z' }, '10037 no message found'],
    [{ start_time: '2100-01-01T00:00:00Z' }, '10037 no message found'],
    ['', '10003 bad request'],
    ['{}', '10003 bad request'],
    [{ seq: 0 }, '10003 bad request'],
    [{ seq: 1, last_by_subj: 'a' }, '10003 bad request'],
    [{ last_by_subj: 'a', next_by_subj: 'b' }, '10003 bad request'],
    [{ seq: 1, start_time: '2020-01-01T00:00:00Z' }, '10003 bad request'],
    [{ start_time: '2020-01-01T00:00:00Z', last_by_subj: 'a' }, '10003 bad request'],
    [{ seq: 1, batch: 2 }, '10003 bad request'],
    [{ seq: 1, max_bytes: 9 }, '10003 bad request'],
    [{ multi_last: ['a'] }, '10003 bad request'],
    [{ seq: 1, zzz: 1 }, '10025 invalid JSON: json: unknown field "zzz"'],
    [
      { start_time: 'yesterday' },
      '10025 invalid JSON: parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
    ],
  ])('%j fails', async (body, failure) => {
    expect(await api.failureOf('STREAM.MSG.GET.G', body)).toBe(failure)
  })

  it('looks at the body before it looks for the stream', async () => {
    expect(await api.failureOf('STREAM.MSG.GET.NOPE', '{')).toBe('10025 invalid JSON: unexpected EOF')
    expect(await api.failureOf('STREAM.MSG.GET.NOPE', { seq: 1 })).toBe('10059 stream not found')
  })
})

describe('STREAM.MSG.GET as of a time', () => {
  it('finds the first message stored then or later', async () => {
    await api.advance(10_000)
    await api.publish('g.b', 'late')
    const at = async (time: string, subject?: string) => {
      const reply = await api.ask('STREAM.MSG.GET.G', { start_time: time, next_by_subj: subject })
      return reply.message?.seq ?? reply.error.err_code
    }

    expect(await at('2024-01-01T00:00:00Z')).toBe(1)
    expect(await at('2024-01-01T00:00:00Z', 'g.b')).toBe(2)
    expect(await at('2024-01-01T00:00:01Z')).toBe(4)
    expect(await at('2024-01-01T00:00:10Z')).toBe(4)
    expect(await at('2024-01-01T00:00:10.000000001Z')).toBe(10037)
    expect(await at('2024-01-01T00:00:01Z', 'g.a')).toBe(10037)
  })
})

describe('STREAM.MSG.GET of a message that is not committed yet', () => {
  it('waits for the commit', async () => {
    const commits = holdCommits(api, 'G')
    const inbox = api.subscribe('inbox')

    api.send('g.new', { payload: 'x' })
    api.send('$JS.API.STREAM.MSG.GET.G', { reply: 'inbox', payload: '{"seq":4}' })
    await api.settle()
    expect(inbox.take()).toEqual([])
    commits.commit()
    await api.settle()

    expect(inbox.take()).toHaveLength(1)
  })
})

describe('STREAM.MSG.DELETE', () => {
  it.each([{ seq: 2 }, { seq: 2, no_erase: true }])('%j removes the message', async (body) => {
    expect(await api.ask('STREAM.MSG.DELETE.G', body)).toEqual({
      type: 'io.nats.jetstream.api.v1.stream_msg_delete_response',
      success: true,
    })
    expect(await api.failureOf('STREAM.MSG.GET.G', { seq: 2 })).toBe('10037 no message found')
    expect(await api.failureOf('STREAM.MSG.DELETE.G', body)).toBe('10043 sequence 2 not found')
  })

  it.each([
    ['', '10003 bad request'],
    ['{}', '10003 bad request'],
    ['{', '10025 invalid JSON: unexpected EOF'],
    [{ seq: 77 }, '10043 sequence 77 not found'],
    [{ seq: 0 }, '10043 sequence 0 not found'],
  ])('%j fails', async (body, failure) => {
    expect(await api.failureOf('STREAM.MSG.DELETE.G', body)).toBe(failure)
  })

  it('is refused where the stream denies it', async () => {
    await api.ask('STREAM.CREATE.D', { name: 'D', storage: 'memory', deny_delete: true })

    expect(await api.failureOf('STREAM.MSG.DELETE.D', { seq: 1 })).toBe('10057 message delete not permitted')
  })
})
