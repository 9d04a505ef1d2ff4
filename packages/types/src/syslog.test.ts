import { describe, expect, it } from 'vitest'
import { findSyslogTarget } from './syslog.ts'

describe('an endpoint of syslog', () => {
  it.each([
    ['logs.example:514', { transport: 'tcp', host: 'logs.example', port: 514 }],
    ['tcp://10.0.0.7:1514', { transport: 'tcp', host: '10.0.0.7', port: 1514 }],
    ['TLS://logs.example:6514', { transport: 'tls', host: 'logs.example', port: 6514 }],
    ['tls://[2001:db8::1]:6514', { transport: 'tls', host: '2001:db8::1', port: 6514 }],
  ])('%s is read', (text, target) => {
    expect(findSyslogTarget(text)).toEqual(target)
  })

  it.each([
    '',
    'logs.example',
    'logs.example:',
    'logs.example:0',
    'logs.example:70000',
    'udp://logs.example:514',
    'http://logs.example:80/path',
    'user:secret@logs.example:514',
    'a b:514',
    '-x:514',
  ])('%j is none', (text) => {
    expect(findSyslogTarget(text)).toBeUndefined()
  })
})
