import { describe, expect, test } from 'vitest'
import { joinHostPort, parseAdvertisedAddress, parseHostPort, splitHostPort } from '../../src/index.js'

describe('addresses are split as Go splits them', () => {
  test.each([
    ['h:1', { host: 'h', port: '1' }],
    [':1', { host: '', port: '1' }],
    ['h:', { host: 'h', port: '' }],
    ['[::1]:4222', { host: '::1', port: '4222' }],
    ['', { reason: 'missing port in address' }],
    ['h', { reason: 'address h: missing port in address' }],
    ['::1', { reason: 'address ::1: too many colons in address' }],
    [':::', { reason: 'address :::: too many colons in address' }],
    ['[::1', { reason: "address [::1: missing ']' in address" }],
    ['[::1]', { reason: 'address [::1]: missing port in address' }],
    ['[::1]x:1', { reason: 'address [::1]x:1: missing port in address' }],
  ])('%j', (address, parts) => {
    expect(splitHostPort(address)).toEqual(parts)
  })
})

test('ports are whole numbers', () => {
  expect(parseHostPort('h:-1')).toEqual({ host: 'h', port: -1 })
  expect(parseHostPort('h:1x')).toEqual({ reason: 'could not parse port "1x"' })
})

test('an IPv6 host is joined in brackets', () => {
  expect([joinHostPort('::1', 4222), joinHostPort('localhost', 1)]).toEqual(['[::1]:4222', 'localhost:1'])
})

test('an advertised address may leave out its port', () => {
  expect(parseAdvertisedAddress('h', 4222)).toEqual({ host: 'h', port: 4222 })
  expect(parseAdvertisedAddress('h:9', 4222)).toEqual({ host: 'h', port: 9 })
  expect(parseAdvertisedAddress(':77', 4222)).toEqual({ host: '', port: 77 })
  expect(parseAdvertisedAddress('[::1]', 4222)).toEqual({ host: '::1', port: 4222 })
  expect(parseAdvertisedAddress(':::', 4222)).toEqual({ reason: 'address :::: too many colons in address' })
  expect(parseAdvertisedAddress('h:p', 4222)).toEqual({ reason: 'strconv.Atoi: parsing "p": invalid syntax' })
})
