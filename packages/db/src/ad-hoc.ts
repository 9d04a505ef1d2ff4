import { type Statement, statement } from './database.ts'

/** A statement the server does not keep: for SQL that is put together for one request, such as filters and orders. */
export function adHoc<Row>(text: string): Statement<Row> {
  return statement<Row>('', text)
}
