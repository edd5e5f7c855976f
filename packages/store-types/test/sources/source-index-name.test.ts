/** Index names, as nats-server 2.15.2 puts them in sources.db. */
import { describe, expect, it } from 'vitest'
import { sourceIndexName, type StreamSource } from '../../src/index.js'

const TRANSFORMS = [
  { source: 'a.*', destination: 'b.{{wildcard(1)}}' },
  { source: 'c.>', destination: '' },
]

describe('the index name of a source', () => {
  it.each<[string, StreamSource]>([
    ['SILENT > >', { name: 'SILENT' }],
    ['ORIG orig.2 >', { name: 'ORIG', filterSubject: 'orig.2' }],
    ['EXT:bTMUkJQk e.> >', { name: 'EXT', filterSubject: 'e.>', external: { api: '$JS.hub.API', deliver: 'dlv' } }],
    ['TR a.*\fc.> b.{{wildcard(1)}}\f>', { name: 'TR', subjectTransforms: TRANSFORMS }],
    ['CON:C=MWznlo4a > >', { name: 'CON', consumer: { name: 'durable', deliverSubject: 'dd' } }],
  ])('is %s', (name, source) => {
    expect(sourceIndexName(source)).toBe(name)
  })
})
