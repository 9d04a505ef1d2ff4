import { SettingInvalid } from '@berth/runtime'
import { describe, expect, it } from 'vitest'
import { mayName, mayReach } from './rules.ts'
import { egressSettings } from './settings.ts'

function reaches(address: string, env: Record<string, string> = {}, host = 'host.example.org'): boolean {
  return mayReach(egressSettings(env), host, address)
}

describe('without rules, a connection', () => {
  it.each(['192.0.2.1', '8.8.8.8', '10.1.2.3', '172.16.0.1', '192.168.1.1', '100.64.0.1', 'fd12::1', '2001:db8::1'])(
    'may go to %s',
    (address) => {
      expect(reaches(address)).toBe(true)
    },
  )

  it.each(['127.0.0.1', '127.9.9.9', '::1', '0.0.0.0', '0.1.2.3', '::', '169.254.1.1', 'fe80::1', 'fe80::1%eth0'])(
    'is refused to %s',
    (address) => {
      expect(reaches(address)).toBe(false)
    },
  )

  it.each([
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::169.254.169.254',
    '::ffff:0:127.0.0.1',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::1',
    '2001:0:0:0:0:0:80ff:fffe',
  ])('is refused to %s, which ends at an address that is refused', (address) => {
    expect(reaches(address)).toBe(false)
  })
})

describe('metadata services', () => {
  const addresses = [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.0.23',
    'fd00:ec2::254',
    'fd00:c1::a9fe:a9fe',
    '64:ff9b:1::a9fe:a9fe',
    '100.100.100.200',
    '168.63.129.16',
  ]

  it.each([...addresses, '::ffff:169.254.169.254', '224.0.0.1', '255.255.255.255', 'ff02::1'])(
    'and what is nobody’s address (%s) cannot be allowed',
    (address) => {
      const env = { BERTH_EGRESS_ALLOW: `*,${address},host.example.org,0.0.0.0/0,::/0` }
      expect(reaches(address, env)).toBe(false)
    },
  )

  it('are known by name too, whatever the name resolves to', () => {
    const settings = egressSettings({ BERTH_EGRESS_ALLOW: '*,metadata.google.internal' })
    expect(mayReach(settings, 'metadata.google.internal', '192.0.2.1')).toBe(false)
    expect(mayName(settings, 'metadata.google.internal')).toBe(false)
  })
})

describe('a rule', () => {
  it('allows what is refused without it, and denies what is allowed', () => {
    expect(reaches('127.0.0.1', { BERTH_EGRESS_ALLOW: '127.0.0.0/8' })).toBe(true)
    expect(reaches('::1', { BERTH_EGRESS_ALLOW: '127.0.0.0/8' })).toBe(false)
    expect(reaches('127.0.0.1', { BERTH_EGRESS_ALLOW: 'host.example.org' })).toBe(true)
    expect(reaches('10.1.2.3', { BERTH_EGRESS_DENY: '10.0.0.0/8' })).toBe(false)
    expect(reaches('::ffff:10.1.2.3', { BERTH_EGRESS_DENY: '10.0.0.0/8' })).toBe(false)
    expect(reaches('192.0.2.1', { BERTH_EGRESS_DENY: 'host.example.org' })).toBe(false)
  })

  it('for IPv6 says nothing of IPv4, and the other way round', () => {
    expect(reaches('10.1.2.3', { BERTH_EGRESS_DENY: '::/0' })).toBe(true)
    expect(reaches('fd12::1', { BERTH_EGRESS_DENY: '0.0.0.0/0' })).toBe(true)
    expect(reaches('fd12::1', { BERTH_EGRESS_DENY: '*' })).toBe(false)
  })

  it('that is nearer wins: host, domain, longer range, and deny where both are alike', () => {
    const only = { BERTH_EGRESS_DENY: '*', BERTH_EGRESS_ALLOW: '10.2.0.0/16,*.example.org' }
    expect(reaches('10.2.3.4', only, 'elsewhere')).toBe(true)
    expect(reaches('10.3.3.4', only, 'elsewhere')).toBe(false)
    expect(reaches('10.3.3.4', only, 'host.example.org')).toBe(true)
    expect(reaches('10.3.3.4', { ...only, BERTH_EGRESS_DENY: '*,host.example.org' })).toBe(false)
    expect(reaches('10.2.3.4', { BERTH_EGRESS_DENY: '10.2.0.0/16', BERTH_EGRESS_ALLOW: '10.2.0.0/16' })).toBe(false)
  })

  it('of a domain means what is below it and not the domain, nor what ends like it', () => {
    const env = { BERTH_EGRESS_DENY: '*.example.org' }
    expect(reaches('192.0.2.1', env, 'a.b.example.org')).toBe(false)
    expect(reaches('192.0.2.1', env, 'example.org')).toBe(true)
    expect(reaches('192.0.2.1', env, 'notexample.org')).toBe(true)
  })

  it('is refused with the setting’s name when it is none', () => {
    for (const text of ['10.0.0.0/33', 'a b', 'http://x', 'host:389', '-x', 'x/8']) {
      expect(() => egressSettings({ BERTH_EGRESS_ALLOW: `10.0.0.1,${text.replace(' ', '%')}` })).toThrow(SettingInvalid)
    }
  })
})

describe('a name only a proxy can resolve', () => {
  it('may be anything but this machine, and is judged by rules for names and for everything', () => {
    expect(mayName(egressSettings({}), 'idp.inside')).toBe(true)
    expect(mayName(egressSettings({}), 'localhost')).toBe(false)
    expect(mayName(egressSettings({ BERTH_EGRESS_DENY: '*' }), 'idp.inside')).toBe(false)
    expect(mayName(egressSettings({ BERTH_EGRESS_DENY: '*', BERTH_EGRESS_ALLOW: '*.inside' }), 'idp.inside')).toBe(true)
  })
})
