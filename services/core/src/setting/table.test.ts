import { readFileSync } from 'node:fs'
import { harborDocument } from '@berth/api'
import { describe, expect, it } from 'vitest'
import { rowOf, SETTING_NAMES, type SettingRow } from './table.ts'

type Shape = { type?: string; $ref?: string; allOf?: { $ref: string }[] }
const schemas = harborDocument.components.schemas as unknown as Record<string, { properties: Record<string, Shape> }>
const ITEMS = { StringConfigItem: 'string', BoolConfigItem: 'boolean', IntegerConfigItem: 'integer' } as const

const harbors = SETTING_NAMES.filter((name) => !rowOf(name).ours)
const secrets = SETTING_NAMES.filter((name) => rowOf(name).secret)

describe('the table of settings', () => {
  it('has the 61 keys of Harbor and two of ours', () => {
    expect(harbors.length).toBe(61)
    expect(SETTING_NAMES.filter((name) => rowOf(name).ours)).toEqual(['ldap_starttls', 'ldap_ca_certificate'])
  })

  it('keeps passwords and client secrets secret, and nothing else', () => {
    expect(secrets).toEqual(['ldap_search_password', 'uaa_client_secret', 'oidc_client_secret'])
    for (const name of secrets) expect(rowOf(name).kind.name).toBe('Password')
  })

  it('takes what the API document says can be changed, of the same types', () => {
    const asked = Object.entries(schemas.Configurations?.properties ?? {})
    expect(asked.map(([name]) => name).sort()).toEqual([...SETTING_NAMES].sort())
    for (const [name, { type }] of asked) expect([name, type]).toEqual([name, jsonOf(name)])
  })

  it('shows what the API document says is shown, of the same types', () => {
    const shown = Object.entries(schemas.ConfigurationsResponse?.properties ?? {})
    const names = [...SETTING_NAMES].filter((name) => !rowOf(name).secret || name === 'uaa_client_secret')
    expect(shown.map(([name]) => name).sort()).toEqual(names.sort())
    for (const [name, { $ref, allOf }] of shown) {
      const item = ($ref ?? allOf?.[0]?.$ref)?.split('/').at(-1) as keyof typeof ITEMS | undefined
      if (item) expect([name, ITEMS[item]]).toEqual([name, jsonOf(name)])
    }
  })

  it('names each variable of the environment once', () => {
    const variables = SETTING_NAMES.map((name) => rowOf(name).env).filter((variable) => variable !== undefined)
    expect(new Set(variables).size).toBe(variables.length)
  })

  it('has a default of its kind, or an empty one where a value must be given', () => {
    for (const name of SETTING_NAMES) {
      const { kind, default: value } = rowOf(name)
      if (kind.name === 'NonEmptyString' && value === '') continue
      expect([name, kind.shape.safeParse(value).data]).toEqual([name, value])
    }
  })
})

describe('docs/configuration.md', () => {
  const page = readFileSync(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8')

  it('has a row of every setting, as the table says it', () => {
    const found = page.split('\n').filter((line) => /^\| `[a-z_]+` \|/.test(line))
    expect(found).toEqual(SETTING_NAMES.map((name) => rowInPage(name, rowOf(name))))
  })
})

function jsonOf(name: string): string | undefined {
  return rowOf(name as (typeof SETTING_NAMES)[number]).kind.json
}

function rowInPage(name: string, { kind, default: value, env, says, secret, ours, until }: SettingRow): string {
  const marks = [secret && 'secret', ours && 'ours', until && `without effect until ${until}`]
    .filter(Boolean)
    .join('; ')
  const shown = value === '' ? '' : `\`${typeof value === 'object' ? JSON.stringify(value) : value}\``
  const cells = [`\`${name}\``, kind.name, shown, env ? `\`${env}\`` : '', marks ? `${says} (${marks})` : says]
  return `| ${cells.join(' | ')} |`
}
