/** The command line over a simulated disk. */
import { describe, expect, it } from 'vitest'
import { DOCTOR_HELP, runDoctor } from '../../src/doctor/command.js'
import type { SimulatedDisk } from '../../src/simulation.js'
import { fixtureDisk, readExpected } from '../support/fixture.js'

const DMG = '/jetstream/$G/streams/DMG'

async function run(disk: SimulatedDisk, argv: string, input = '') {
  let output = ''
  let errors = ''
  const status = await runDoctor(argv.split(' ').filter((each) => each !== ''), {
    fileSystem: disk,
    write: (text) => void (output += text),
    writeError: (text) => void (errors += text),
    input: (async function* () {
      yield input
    })(),
  })
  return { status, output, errors }
}

const stateOf = (fixture: string, stream: string) => readExpected(fixture).accounts['$G']![stream]!.state

describe('rivulet doctor', () => {
  it('verify ends with 0 for what is sound', async () => {
    const { messages, bytes, last_seq } = stateOf('plain-single', 'ORDERS')

    const { status, output, errors } = await run(fixtureDisk('plain-single'), 'verify /')

    expect({ status, errors }).toEqual({ status: 0, errors: '' })
    expect(output).toBe(
      [
        '$G/EMPTY: sound, 0 messages, 0 bytes, sequences 0 to 0, 0 deleted',
        `$G/ORDERS: sound, ${messages} messages, ${bytes} bytes, sequences 1 to ${last_seq}, 0 deleted`,
        'sound: 2 streams, 0 damaged, 0 unreadable',
        '',
      ].join('\n'),
    )
  })

  it('verify ends with 1 and names the place of damage', async () => {
    const { status, output } = await run(fixtureDisk('damaged-flip-payload'), 'verify / --stream DMG')

    expect(status).toBe(1)
    expect(output).toContain('$G/DMG: damaged, 174 messages')
    expect(output).toContain(`problem: ${DMG}/msgs/3.blk at offset 8376, 466 bytes, sequence 99: the checksum of sequence 99 does not match`)
    expect(output).toContain('damaged: 1 streams, 1 damaged, 0 unreadable')
  })

  it('report shows blocks and consumers', async () => {
    const { status, output } = await run(fixtureDisk('s2-blocks'), 'report / --stream ENC')

    expect(status).toBe(0)
    expect(output).toMatch(/block 1: \d+ bytes \(compressed from \d+\), \d+ messages \(\d+ to \d+\), \d+ tombstones, \d+ markers/)
    expect(output).toMatch(/consumer c1: configuration sound, position readable: delivered \d+\/\d+, floor \d+\/\d+, \d+ pending, 1 redelivered/)
    expect(output).toContain('index.db: valid')
  })

  it('prints JSON on request', async () => {
    const { output } = await run(fixtureDisk('damaged-torn-tail'), 'verify / --json')

    expect(JSON.parse(output)).toMatchObject({ verdict: 'damaged', streams: [{ name: 'DMG' }, { name: 'OTHER', verdict: 'sound' }] })
  })

  it('repair says what it did, where the copy is, and what is lost', async () => {
    const disk = fixtureDisk('damaged-flip-payload')

    const { status, output } = await run(disk, 'repair / --copy-to /kept')

    expect(status).toBe(0)
    expect(output).toContain('$G/DMG: was damaged, is sound')
    expect(output).toContain('as it was: /kept/jetstream/$G/streams/DMG')
    expect(output).toContain('done: 3.blk was rewritten with its ')
    expect(output).toContain('sequence 99')
    expect((await run(disk, 'verify /')).status).toBe(0)
    expect((await run(disk, 'repair /')).output).toBe('nothing to repair\n')
  })

  it('repair touches nothing while a server has the account open', async () => {
    const disk = fixtureDisk('damaged-flip-payload')
    disk.lock('/jetstream/$G')
    const before = disk.files()

    const { status, errors } = await run(disk, 'repair /')

    expect(status).toBe(1)
    expect(errors).toContain('/jetstream/$G')
    expect(disk.files()).toEqual(before)
  })

  it('repair refuses a copy that a server would take for streams', async () => {
    const { status, errors } = await run(fixtureDisk('damaged-flip-payload'), 'repair / --copy-to /jetstream/copy')

    expect({ status, errors }).toEqual({
      status: 2,
      errors: 'rivulet doctor: the copy must be outside of /jetstream: a server would take it for streams\n',
    })
  })

  it('repair leaves an encrypted stream alone without its key', async () => {
    const disk = fixtureDisk('damaged-chacha-flip-noindex')
    const before = disk.files()

    const { status, output } = await run(disk, 'repair /')

    expect(status).toBe(1)
    expect(output).toContain('nothing was changed: the stream is encrypted and no key was given')
    expect(disk.files()).toEqual(before)
  })

  it('exports to standard output and imports from standard input', async () => {
    const { messages, last_seq } = stateOf('kv', 'KV_hist')
    const lines = (await run(fixtureDisk('kv'), 'export / --stream KV_hist')).output
    const disk = fixtureDisk('plain-single')

    const { status, output } = await run(disk, 'import / --account OTHER', lines)

    expect({ status, output }).toEqual({
      status: 0,
      output: `OTHER/KV_hist: ${messages} messages up to ${last_seq}, 0 consumers, in /jetstream/OTHER/streams/KV_hist\n1 streams written\n`,
    })
  })

  it('exports to a file and to a directory', async () => {
    const disk = fixtureDisk('retention')

    expect((await run(disk, 'export / --output /retention.ndjson')).status).toBe(0)
    expect((await run(disk, 'import /lines --from /retention.ndjson')).status).toBe(0)
    expect((await run(disk, 'export / --to /clean')).status).toBe(0)

    const text = disk.readFile('/retention.ndjson').toString()
    expect((await run(disk, 'export /lines')).output).toBe(text)
    expect((await run(disk, 'export /clean')).output).toBe(text)
    expect((await run(disk, 'export / --output /retention.ndjson')).errors).toContain('/retention.ndjson is there already')
  })

  it('reads the key of encrypted streams from a file', async () => {
    const disk = fixtureDisk('aes')
    disk.plant('/key', Buffer.from('fixture-key-0123456789\n'))

    expect((await run(disk, 'verify / --key-file /key')).status).toBe(0)
    expect((await run(disk, 'verify /')).status).toBe(1)
  })

  it('shows its help', async () => {
    expect(await run(fixtureDisk('kv'), '--help')).toEqual({ status: 0, output: DOCTOR_HELP, errors: '' })
  })

  it.each([
    ['', 'no command'],
    ['heal /', "unknown command 'heal'"],
    ['verify', 'verify needs a directory'],
    ['verify / more', "unexpected argument 'more'"],
    ['verify / --to /x', 'verify takes no --to'],
    ['export / --to /x --output /y', '--to and --output exclude each other'],
    ['verify / --key a --key-file b', '--key and --key-file exclude each other'],
    ['verify / --loud', "Unknown option '--loud'"],
    ['verify /nowhere', '/nowhere is not a directory'],
    ['verify / --key-file /nowhere', 'the key file can not be read'],
  ])('ends with 2 for "%s"', async (argv, reason) => {
    const { status, output, errors } = await run(fixtureDisk('kv'), argv)

    expect({ status, output }).toEqual({ status: 2, output: '' })
    expect(errors).toContain(`rivulet doctor: ${reason}`)
  })
})
