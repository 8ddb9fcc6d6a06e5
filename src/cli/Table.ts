/** Columns as wide as their widest cell. `show` dresses a cell that has its width: colours have none. */
export const lines = (
  rows: ReadonlyArray<ReadonlyArray<string>>,
  show: (padded: string, row: number, column: number) => string = (padded) => padded
): ReadonlyArray<string> => {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  )
  return rows.map((row, at) =>
    row
      .map((cell, column) => show(cell.padEnd(widths[column] ?? 0), at, column))
      .join("  ")
      .trimEnd()
  )
}
