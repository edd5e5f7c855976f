/** RFC 4180, as small as the inventory needs: quoted fields, doubled quotes, CRLF or LF. */
export function parseCsv(text) {
  const rows = []
  let row = []
  let field = ''
  let isQuoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (isQuoted) {
      if (c !== '"') field += c
      else if (text[i + 1] === '"') field += text[++i]
      else isQuoted = false
    } else if (c === '"') isQuoted = true
    else if (c === ',') {
      row.push(field)
      field = ''
    } else if (c === '\n') {
      row.push(field.replace(/\r$/, ''))
      rows.push(row)
      row = []
      field = ''
    } else field += c
  }
  if (field !== '' || row.length > 0) rows.push([...row, field])
  const [head, ...body] = rows.filter((fields) => fields.length > 1)
  return body.map((fields) => Object.fromEntries(head.map((name, index) => [name, fields[index] ?? ''])))
}
