import { describe, expect, it } from 'vitest'
import { findAttempt } from './attempt.ts'

describe('what a request tried to change', () => {
  it.each([
    ['POST', '/api/v2.0/projects', 'create project', '', undefined],
    ['DELETE', '/api/v2.0/projects/library', 'delete project', 'library', 'library'],
    ['PUT', '/api/v2.0/projects/7', 'update project', '7', '7'],
    ['POST', '/api/v2.0/projects/library/members', 'create member', 'library', 'library'],
    ['PUT', '/api/v2.0/projects/library/members/5', 'update member', 'library/5', 'library'],
    ['PUT', '/api/v2.0/projects/library/metadatas/public', 'update metadata', 'library/public', 'library'],
    ['POST', '/api/v2.0/projects/library/immutabletagrules', 'create immutable-tag', 'library', 'library'],
    ['DELETE', '/api/v2.0/projects/library/repositories/a%252Fb', 'delete repository', 'library/a/b', 'library'],
    ['PUT', '/api/v2.0/projects/library/repositories/a', 'update repository', 'library/a', 'library'],
    ['POST', '/api/v2.0/projects/library/repositories/a/artifacts', 'create repository', 'library/a', 'library'],
    ['DELETE', '/api/v2.0/projects/library/repositories/a/artifacts/1', 'delete artifact', 'library/a:1', 'library'],
    [
      'DELETE',
      '/api/v2.0/projects/library/repositories/a/artifacts/sha256:ab',
      'delete artifact',
      'library/a@sha256:ab',
      'library',
    ],
    ['POST', '/api/v2.0/projects/library/repositories/a/artifacts/1/tags', 'create tag', 'library/a:1', 'library'],
    ['DELETE', '/api/v2.0/projects/library/repositories/a/artifacts/1/tags/2', 'delete tag', 'library/a:2', 'library'],
    ['POST', '/api/v2.0/projects/library/repositories/a/artifacts/1/labels', 'create label', 'library/a:1', 'library'],
    ['PUT', '/api/v2.0/users/3/password', 'update user', '3', undefined],
    ['POST', '/api/v2.0/usergroups', 'create usergroup', '', undefined],
    ['PATCH', '/api/v2.0/robots/4', 'update robot', '4', undefined],
    ['PUT', '/api/v2.0/configurations', 'update configuration', '', undefined],
    ['PUT', '/api/v2.0/quotas/1', 'update quota', '1', undefined],
    ['PUT', '/api/v2.0/system/CVEAllowlist', 'update allowlist', 'system', undefined],
    ['POST', '/api/v2.0/ldap/users/import', 'create user', '', undefined],
    ['POST', '/api/berth/v1/access-tokens', 'create access-token', '', undefined],
    ['POST', '/api/berth/v1/token/rotate-key', 'create key', '', undefined],
    ['DELETE', '/API/V2.0/Projects/Library/', 'delete project', 'Library', 'Library'],
    ['PUT', '/api/v2.0/projects/Library/MEMBERS/5', 'update member', 'Library/5', 'Library'],
    ['POST', '/api/v2.0/Projects/a/Repositories/B/Artifacts/V1/Tags', 'create tag', 'a/B:V1', 'a'],
    ['PUT', '/api/v2.0/System/cveallowlist', 'update allowlist', 'system', undefined],
    ['POST', '/Api/Berth/v1/Access-Tokens', 'create access-token', '', undefined],
    ['POST', '/api/internal/RenameAdmin', 'update user', '', undefined],
    ['POST', '/api/internal/syncquota/', 'update quota', '', undefined],
  ])('%s %s: %s', (method, path, what, resource, project) => {
    const attempt = findAttempt(method, path)
    expect([`${attempt?.operation} ${attempt?.resourceType}`, attempt?.resource, attempt?.project]).toEqual([
      what,
      resource,
      project,
    ])
  })

  it.each([
    ['GET', '/api/v2.0/projects/library'],
    ['HEAD', '/api/v2.0/projects'],
    ['POST', '/c/login'],
    ['POST', '/api/v2.0/ldap/ping'],
    ['POST', '/api/v2.0/constructor'],
    ['POST', '/service/token'],
  ])('%s %s changes nothing that is recorded', (method, path) => {
    expect(findAttempt(method, path)).toBeUndefined()
  })

  it('is read from a path that cannot be unescaped as well', () => {
    expect(findAttempt('DELETE', '/api/v2.0/projects/%zz')?.resource).toBe('%zz')
  })
})
