import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { COLUMNS, type Column, columnAllows, columnOf, PROJECT_PERMISSIONS } from './permission-matrix.ts'
import { ROLES } from './role.ts'

const COLUMN_ORDER: readonly Column[] = ['projectAdmin', 'maintainer', 'developer', 'guest', 'limitedGuest', 'public']

const cells = readFileSync(new URL('../../permissions.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && /✓|–/.test(line))
  .flatMap((line) => {
    const [resource = '', action = '', ...marks] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    const name = resource.replace(' (self)', '')
    return COLUMN_ORDER.map((column, index) => ({ resource: name, action, column, allowed: marks[index] === '✓' }))
  })

describe('the permission matrix', () => {
  it('has the 450 cells of its document', () => {
    expect(cells.length).toBe(450)
    expect(PROJECT_PERMISSIONS.length).toBe(75)
  })

  it.each(cells)('for $resource:$action says $allowed to $column', ({ resource, action, column, allowed }) => {
    expect(columnAllows(column, resource, action)).toBe(allowed)
  })

  it.each([
    ['projectAdmin', 75],
    ['maintainer', 53],
    ['developer', 36],
    ['guest', 20],
    ['limitedGuest', 14],
    ['public', 12],
  ] as const)('lets %s do %d things', (column, total) => {
    const may = PROJECT_PERMISSIONS.filter(({ resource, action }) => columnAllows(column, resource, action))
    expect(may.length).toBe(total)
  })

  it('lets nobody do what it does not know', () => {
    for (const column of Object.keys(COLUMNS) as Column[]) {
      expect(columnAllows(column, 'repository', 'scanner-pull')).toBe(false)
      expect(columnAllows(column, 'constructor', 'name')).toBe(false)
      expect(columnAllows(column, 'repository', 'constructor')).toBe(false)
    }
  })

  it('has a column for each role', () => {
    expect(ROLES.map(({ id }) => columnOf(id))).toEqual(ROLES.map(({ name }) => name))
  })
})
