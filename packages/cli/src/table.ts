export interface Column<Row> {
  title: string
  of: (row: Row) => string | number | undefined
  /** Colours the padded text of a cell. */
  paint?: (text: string, row: Row) => string
  align?: 'left' | 'right'
}

/** The lines of a table; columns as wide as their widest cell, an absent value a dash. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  paintTitle: (text: string) => string = (text) => text,
): string[] {
  const texts = rows.map((row) => columns.map(({ of }) => printable(String(of(row) ?? '-'))))
  const widths = columns.map(({ title }, at) => Math.max(title.length, ...texts.map((cells) => cells[at]?.length ?? 0)))
  const pad = (text: string, at: number) => {
    const width = widths[at] ?? 0
    if (columns[at]?.align === 'right') return text.padStart(width)
    return at === columns.length - 1 ? text : text.padEnd(width)
  }
  const head = columns.map(({ title }, at) => pad(title, at)).join('  ')
  const body = texts.map((cells, index) =>
    cells
      .map((text, at) => {
        const padded = pad(text, at)
        const row = rows[index] as Row
        return columns[at]?.paint?.(padded, row) ?? padded
      })
      .join('  '),
  )
  return [paintTitle(head), ...body]
}

/** Text of others with what would move a terminal's cursor made visible. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
}

/** `12.3 MiB` */
export function mebibytes(bytes: number | undefined): string | undefined {
  return bytes === undefined ? undefined : `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
