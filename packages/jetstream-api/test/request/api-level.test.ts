import { describe, expect, it } from 'vitest'
import { demandsHigherLevel } from '../../src/request/api-level.js'
import { headerValue } from '../../src/request/header-value.js'

const block = (...lines: string[]): Buffer =>
  Buffer.from(`NATS/1.0\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`)

describe('the level a request demands', () => {
  it.each(['0', '5', '-1', '', ' 3', '+5', '-9223372036854775808'])('%j is served', (level) => {
    expect(demandsHigherLevel(block(`Nats-Required-Api-Level: ${level}`))).toBe(false)
  })

  it.each(['6', 'x', '1.0', '99999999999999999999', '0x1', '3 3'])('%j is refused', (level) => {
    expect(demandsHigherLevel(block(`Nats-Required-Api-Level: ${level}`))).toBe(true)
  })

  it('no header demands nothing', () => {
    expect(demandsHigherLevel(Buffer.alloc(0))).toBe(false)
    expect(demandsHigherLevel(block('Other: 9'))).toBe(false)
  })
})

describe('header look-up', () => {
  it('the first of repeated headers counts', () => {
    expect(headerValue(block('A: 1', 'A: 2'), 'A')).toBe('1')
  })

  it('names are compared exactly and whole', () => {
    expect(headerValue(block('a: 1', 'AB: 2', 'XA: 3'), 'A')).toBeUndefined()
  })

  it('values keep inner blanks and lose outer ones', () => {
    expect(headerValue(block('A:  b c  '), 'A')).toBe('b c')
  })
})
