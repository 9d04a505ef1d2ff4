import { BadRequest } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { parseLabel, toLabelBody } from './label.ts'

describe('a label', () => {
  it('needs a name alone, and keeps what else is said', () => {
    expect(parseLabel({ name: ' prod ' })).toEqual({ name: 'prod', description: '', color: '' })
    const whole = { name: 'ä'.repeat(128), description: 'd'.repeat(1_024), color: '#0065AB' }
    expect(parseLabel(whole)).toEqual(whole)
  })

  it.each([{}, { name: '' }, { name: '  ' }, { name: 'a'.repeat(129) }, { name: 'a\nb' }, { name: 'a\u202eb' }])(
    'is refused with the name of %j',
    (raw) => {
      expect(() => parseLabel(raw)).toThrow(BadRequest)
    },
  )

  it.each(['#0065ab', 'red', '', '#fff'])('may have the color "%s"', (color) => {
    expect(parseLabel({ name: 'a', color }).color).toBe(color)
  })

  it.each(['red;background:url(//evil)', '#', '"><script>', 'rgb(0,0,0)', 'a'.repeat(17)])(
    'may not have the color "%s"',
    (color) => {
      expect(() => parseLabel({ name: 'a', color })).toThrow(BadRequest)
    },
  )

  it('is shown with its scope', () => {
    const at = new Date('2026-01-01T00:00:00Z')
    const label = { id: 1, name: 'a', description: '', color: '', createdAt: at, updatedAt: at }
    expect(toLabelBody(label)).toMatchObject({ scope: 'g', project_id: 0 })
    expect(toLabelBody({ ...label, projectId: 7 })).toMatchObject({ scope: 'p', project_id: 7 })
  })
})
