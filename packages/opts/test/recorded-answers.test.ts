/**
 * What nats-server 2.15.2 answers to command lines and configuration files, replayed against
 * `resolveOptions`. The fixture holds the answers in which we agree; docs/differences.md of the
 * repository names the others.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Resolved, resolveOptions } from '../src/index.js'
import { fileSystemOf } from './file-system-of.js'

type RecordedAnswer = {
  name: string
  argv: string[]
  files: Record<string, string>
  /** `ready`, or the exit status. */
  status: 'ready' | number
  stderr: string[]
  /** The first lines. */
  stdout: string[]
}

const answers = JSON.parse(
  readFileSync(new URL('fixtures/recorded-answers.json', import.meta.url), 'utf8'),
) as RecordedAnswer[]

const environment = { TRANSCRIPT_ENV: '8765', TRANSCRIPT_TEXT: 'from-env' }

describe('answers recorded from nats-server', () => {
  test('there are hundreds of them', () => {
    expect(answers.length).toBeGreaterThan(450)
  })

  answers.forEach((answer, index) => {
    test(`${index} ${answer.name}: ${answer.argv.join(' ')}`, () => {
      const { argv, files } = answer

      const resolved = resolveOptions({ argv, version: '2.15.2', environment, readFile: fileSystemOf(files) })

      expect(answerOf(resolved, answer.stdout.length)).toEqual({
        status: answer.status,
        stderr: answer.stderr,
        stdout: answer.stdout,
      })
    })
  })
})

function answerOf(resolved: Resolved, stdoutCount: number): unknown {
  if (resolved.kind === 'signal') return { status: 'signal', stderr: [], stdout: [] }
  if (resolved.kind === 'run') return { status: 'ready', stderr: [], stdout: [] }
  const stderr = linesOf(resolved.stderr).map((line) => line.replace(/^nats-server: ?/, ''))
  return {
    status: resolved.code,
    stderr: stderr.filter((line) => line !== '').sort(),
    stdout: linesOf(resolved.stdout).slice(0, stdoutCount),
  }
}

function linesOf(text: string): string[] {
  const lines = text.replace(/sha256:[\da-f]{64}/, 'sha256:<hex>').split('\n')
  return lines.map((line) => line.trimEnd()).filter((line) => line.trim() !== '')
}
