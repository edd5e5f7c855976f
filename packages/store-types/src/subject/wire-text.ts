import '../buffer-slices.js'
/**
 * Subjects are bytes. Inside Rivulet a subject is *wire text*: a string with one character per byte
 * ("latin1"), so that every byte sequence is kept and slicing is cheap. JSON and people see UTF-8
 * text; these two functions are the border. For ASCII both are the same string.
 */

/** Text as people and JSON write it -> wire text. */
export function wireOf(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').latin1Slice()
}

/** Wire text -> text for people and JSON. Invalid UTF-8 becomes U+FFFD. */
export function textOf(wire: string): string {
  return isAscii(wire) ? wire : Buffer.from(wire, 'latin1').utf8Slice()
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}
