/**
 * Whether there is no such row, looked up in an index for one row after the other. As `NOT EXISTS` it might be planned as
 * a join, which reads the whole of a large table for each batch.
 */
export function none(from: string): string {
  return `(SELECT 1 ${from} LIMIT 1) IS NULL`
}
