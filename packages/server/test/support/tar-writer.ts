/** Tar archives as nats-server's before 2.15 were, and broken ones. */
export type TarMember = Readonly<{
  name: string
  bytes?: Uint8Array
  /** @default '0', a regular file */
  type?: string
  /** Says another size than that of `bytes`. */
  size?: number
  /** In an extended header before it. */
  extended?: Readonly<Record<string, string>>
}>

const BLOCK_SIZE = 512

export function tarOf(members: readonly TarMember[]): Buffer {
  return Buffer.concat([...members.flatMap(memberBytes), Buffer.alloc(2 * BLOCK_SIZE)])
}

function memberBytes({ name, bytes = Buffer.alloc(0), type = '0', size = bytes.length, extended }: TarMember): Buffer[] {
  const before = extended === undefined ? [] : memberBytes({ name: 'PaxHeaders.0/x', type: 'x', bytes: recordsOf(extended) })
  return [...before, header(name, type, size), filled(bytes)]
}

function header(name: string, type: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK_SIZE)
  block.write(name.slice(0, 100), 0, 'utf8')
  block.write('0000600\0', 100)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write('        ', 148)
  block.write(type, 156)
  block.write('ustar\x0000nats', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function filled(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((BLOCK_SIZE - (bytes.length % BLOCK_SIZE)) % BLOCK_SIZE)])
}

function recordsOf(values: Readonly<Record<string, string>>): Buffer {
  const records = Object.entries(values).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`
    let size = Buffer.byteLength(rest) + 1
    while (Buffer.byteLength(rest) + String(size).length !== size) size++
    return `${size}${rest}`
  })
  return Buffer.from(records.join(''), 'utf8')
}
