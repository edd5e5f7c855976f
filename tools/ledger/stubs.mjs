/** Looks for code that pretends: unfinished words, empty bodies where work was promised, tests that assert nothing. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

const UNFINISHED = /\b(?:[Nn]ot implemented|[Uu]nimplemented|TODO|FIXME|XXX)\b/
const SKIPPED = /\b(?:it|test|describe)\.(?:skip|todo|only)\b|\bx(?:it|describe)\(/
const TEST_START = /^(\s*)(?:it|test)(?:\.each\([\s\S]*?\))?\(\s*(['"`])/
const ASSERTS = /\bexpect\b|\bassert\w*\(|\bfc\.(?:assert|property)\b|\bexpect\w*\(|\bcheck\w*\(|\bverify\w*\(/

function* files(folder, matches) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name === 'fixtures') continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* files(path, matches)
    else if (matches(path)) yield path
  }
}

/** The text of a test from its first line to the line that closes it at the same indentation. */
function bodyOf(lines, start, indent) {
  for (let end = start; end < lines.length; end++) {
    if (end > start && lines[end].startsWith(`${indent}})`)) return lines.slice(start, end + 1).join('\n')
    if (end === start && /\)\s*$/.test(lines[end]) && /=>.*[^{(]\)\s*$/.test(lines[end])) return lines[end]
  }
  return lines.slice(start).join('\n')
}

export function findStubs(root) {
  const problems = []
  for (const path of files(join(root, 'packages'), (file) => file.endsWith('.ts') && !file.endsWith('.gen.ts'))) {
    const name = relative(root, path)
    const lines = readFileSync(path, 'utf8').split('\n')
    for (const [index, line] of lines.entries()) {
      if (UNFINISHED.test(line)) problems.push(`${name}:${index + 1}: unfinished: ${line.trim()}`)
      if (SKIPPED.test(line)) problems.push(`${name}:${index + 1}: a test that does not run: ${line.trim()}`)
      const start = TEST_START.exec(line)
      if (start && !ASSERTS.test(bodyOf(lines, index, start[1]))) problems.push(`${name}:${index + 1}: a test that asserts nothing: ${line.trim()}`)
    }
  }
  return problems
}
