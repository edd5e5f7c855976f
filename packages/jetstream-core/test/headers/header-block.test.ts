import { describe, expect, test } from 'vitest'
import { hasStatus, headerText, withLines, withoutHeader, withoutStatus } from '../../src/headers/header-block.js'

const block = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('a header block', () => {
  test('gives the first value of a name, without the blanks before it and with those behind it', () => {
    const headers = block('NATS/1.0\r\nA:   1  \r\nA: 2\r\n\r\n')

    expect(headerText(headers, 'A')).toBe('1  ')
  })

  test('matches names exactly', () => {
    const headers = block('NATS/1.0\r\nX-Name: 1\r\nname: 2\r\nName : 3\r\n\r\n')

    expect(headerText(headers, 'Name')).toBeUndefined()
    expect(headerText(headers, 'name')).toBe('2')
  })

  test('finds nothing in a block that is cut anywhere before the value', () => {
    const whole = 'NATS/1.0\r\nName: value\r\n\r\n'

    for (let size = 0; size < whole.indexOf('Name:') + 5; size++) {
      expect(headerText(block(whole.slice(0, size)), 'Name')).toBeUndefined()
    }
  })

  test('loses its status and nothing else', () => {
    expect(hasStatus(block('NATS/1.0 503\r\n\r\n'), 0, 16)).toBe(true)
    expect(hasStatus(block('NATS/1.0\r\nA: 1\r\n\r\n'), 0, 18)).toBe(false)
    expect(withoutStatus(block('NATS/1.0 100 x\r\nA: 1\r\n\r\n')).latin1Slice()).toBe('NATS/1.0\r\nA: 1\r\n\r\n')
    expect(withoutStatus(block('NATS/1.0 503\r\n\r\n')).length).toBe(0)
  })

  test('loses every line of a name', () => {
    const headers = block('NATS/1.0\r\nA: 1\r\nB: 2\r\nA: 3\r\nAA: 4\r\n\r\n')

    expect(withoutHeader(headers, 'A').latin1Slice()).toBe('NATS/1.0\r\nB: 2\r\nAA: 4\r\n\r\n')
    expect(withoutHeader(block('NATS/1.0\r\nA: 1\r\n\r\n'), 'A').length).toBe(0)
    expect(withoutHeader(headers, 'C')).toBe(headers)
  })

  test('takes lines at its end, also when there was none', () => {
    expect(withLines(block('NATS/1.0\r\nA: 1\r\n\r\n'), 'B: 2\r\n').latin1Slice()).toBe('NATS/1.0\r\nA: 1\r\nB: 2\r\n\r\n')
    expect(withLines(block(''), 'B: 2\r\n').latin1Slice()).toBe('NATS/1.0\r\nB: 2\r\n\r\n')
  })
})
