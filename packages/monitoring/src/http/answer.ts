/** Answers to requests, and the kinds there are. */
import type { JsonWritable } from '@rivulet/store-types'
import { writeIndentedJson } from './indented-json.js'

export type MonitorAnswer = Readonly<{ status: number; headers: Readonly<Record<string, string>>; body: string }>

const JSON_HEADERS = { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' }
const TEXT_HEADERS = { 'Content-Type': 'text/plain; charset=utf-8' }

export function jsonAnswer(value: JsonWritable): MonitorAnswer {
  return { status: 200, headers: JSON_HEADERS, body: writeIndentedJson(value) }
}

export function jsonTextAnswer(status: number, body: string): MonitorAnswer {
  return { status, headers: JSON_HEADERS, body }
}

export function textAnswer(status: number, body: string): MonitorAnswer {
  return { status, headers: TEXT_HEADERS, body }
}

export function htmlAnswer(body: string): MonitorAnswer {
  return { status: 200, headers: { 'Content-Type': 'text/html; charset=utf-8' }, body }
}

/** A request that cannot be answered as it stands; its message is the body of a 400. */
export class BadRequestError extends Error {
  override readonly name: string = 'BadRequestError'
}
