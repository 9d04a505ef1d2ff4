import type { AccessoryFacts, ArtifactFacts } from '@berth/types'
import { describe, expect, it } from 'vitest'
import type { Label } from '../label/index.ts'
import { toArtifactBody } from './artifact-body.ts'
import { accessoryIcon, kindIcon } from './built-in-icons.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const AT = '2026-01-02T03:04:05.000Z'
const NEVER = '0001-01-01T00:00:00.000Z'
const NOTHING = { tags: false, labels: false, immutable: false, accessories: false, inherited: false }
const ALL = { tags: true, labels: true, immutable: true, accessories: true, inherited: true }

const signature: AccessoryFacts = {
  artifactId: 9,
  digest: 'sha256:b',
  type: 'signature.cosign',
  sizeBytes: 5,
  icon: null,
  createdAt: AT,
  subjectDigest: DIGEST,
  subjectId: 7,
}
const label: Label = {
  id: 3,
  name: 'good',
  description: '',
  color: '',
  createdAt: new Date(AT),
  updatedAt: new Date(AT),
}

function facts(over: Partial<ArtifactFacts> = {}): ArtifactFacts {
  return {
    id: 7,
    projectId: 1,
    repositoryId: 2,
    repository: 'library/web/nginx',
    digest: DIGEST,
    kind: 'IMAGE',
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    configMediaType: 'application/vnd.oci.image.config.v1+json',
    artifactType: null,
    subject: null,
    sizeBytes: 1_000,
    manifestBytes: 500,
    icon: null,
    pushedAt: AT,
    pulledAt: null,
    pullCount: 0,
    extraAttrs: { os: 'linux' },
    annotations: null,
    tags: [
      {
        id: 5,
        repositoryId: 2,
        artifactId: 7,
        name: '1',
        digest: DIGEST,
        pushedAt: AT,
        pulledAt: null,
        immutable: true,
      },
    ],
    tagCount: 1,
    labels: [3, 4],
    accessories: [signature],
    accessoryCount: 1,
    inheritedAccessories: [{ ...signature, artifactId: 10, subjectId: null }],
    references: [],
    referenceCount: 0,
    verdicts: [{ scanner: 's', severity: 'low', summary: { total: 1 }, revision: 1, scannedAt: AT }],
    additions: ['build_history'],
    accessoryType: null,
    accessoryOf: null,
    isTrimmed: false,
    ...over,
  }
}
const body = (over: Partial<ArtifactFacts> = {}, flags = ALL) =>
  toArtifactBody(facts(over), flags, new Map([[label.id, label]]))

describe('an artifact as the API shows it', () => {
  it('has Harbor’s names, and "never" as Harbor writes it', () => {
    expect(body({}, NOTHING)).toEqual({
      id: 7,
      type: 'IMAGE',
      media_type: 'application/vnd.oci.image.config.v1+json',
      manifest_media_type: 'application/vnd.oci.image.manifest.v1+json',
      project_id: 1,
      repository_id: 2,
      repository_name: 'library/web/nginx',
      digest: DIGEST,
      size: 1_000,
      icon: kindIcon('IMAGE'),
      push_time: AT,
      pull_time: NEVER,
      extra_attrs: { os: 'linux' },
      addition_links: {
        build_history: {
          href: `/api/v2.0/projects/library/repositories/web%252Fnginx/artifacts/${DIGEST}/additions/build_history`,
          absolute: false,
        },
      },
    })
  })

  it('has what is asked for, and of labels those that are there', () => {
    expect(body()).toMatchObject({
      tags: [{ id: 5, repository_id: 2, artifact_id: 7, name: '1', push_time: AT, pull_time: NEVER, immutable: true }],
      labels: [{ id: 3, name: 'good', scope: 'g' }],
      accessories: [
        {
          id: 9,
          artifact_id: 9,
          subject_artifact_id: 7,
          subject_artifact_digest: DIGEST,
          subject_artifact_repo: 'library/web/nginx',
          size: 5,
          digest: 'sha256:b',
          type: 'signature.cosign',
          icon: accessoryIcon('signature.cosign'),
          creation_time: AT,
        },
      ],
      inherited_accessories: [{ id: 10, digest: 'sha256:b' }],
    })
    expect(body({}, { ...NOTHING, tags: true })).toMatchObject({ tags: [{ immutable: false }] })
  })

  it('says nothing of scans, and leaves out what there is nothing of', () => {
    const bare = body({
      tags: [],
      labels: [4],
      accessories: [],
      inheritedAccessories: [],
      extraAttrs: null,
      additions: [],
    })
    for (const name of ['scan_overview', 'sbom_overview', 'tags', 'labels', 'accessories', 'inherited_accessories']) {
      expect(bare).not.toHaveProperty(name)
    }
    for (const name of ['extra_attrs', 'annotations', 'addition_links', 'references', 'artifact_type']) {
      expect(bare).not.toHaveProperty(name)
    }
  })

  it('takes the type of the manifest where there is no config, and its own picture where it has one', () => {
    const own = body({ configMediaType: null, artifactType: 'application/vnd.acme', icon: 'sha256:c' })
    expect(own).toMatchObject({
      media_type: 'application/vnd.oci.image.manifest.v1+json',
      artifact_type: 'application/vnd.acme',
      icon: 'sha256:c',
    })
  })

  it('links to the SBOM that was attached to it', () => {
    const { addition_links: links } = body({ accessories: [{ ...signature, digest: 'sha256:d', type: 'sbom.harbor' }] })
    const href = '/api/v2.0/projects/library/repositories/web%252Fnginx/artifacts/sha256:d/additions/sbom'
    expect(links).toMatchObject({ sbom: { href, absolute: false }, build_history: {} })
  })

  it('passes on texts alone of what somebody wrote into an index', () => {
    const child = { parentId: 7, childId: 8, childDigest: 'sha256:e', urls: null }
    const { references, annotations } = body({
      annotations: { good: 'text', bad: { nested: true }, worse: 1 },
      references: [
        {
          ...child,
          platform: { architecture: 'arm64', os: 'linux', variant: 8, 'os.version': '10', 'os.features': ['win32k'] },
          annotations: { a: 'b', c: [1] },
        },
        {
          ...child,
          platform: { 'os.features': 'none', os: null },
          annotations: { c: 1 },
          urls: ['https://example.com'],
        },
      ],
    })
    expect(annotations).toEqual({ good: 'text' })
    expect(references).toEqual([
      {
        parent_id: 7,
        child_id: 8,
        child_digest: 'sha256:e',
        platform: { architecture: 'arm64', os: 'linux', "'os.version'": '10', "'os.features'": ['win32k'] },
        annotations: { a: 'b' },
      },
      { parent_id: 7, child_id: 8, child_digest: 'sha256:e', platform: {}, urls: ['https://example.com'] },
    ])
  })
})
