import { digestOf } from '@berth/oci'

/** Drawn here, on a grid of 48. */
const SHAPES: Record<string, string> = {
  image: '<path d="M24 6 6 15v18l18 9 18-9V15z"/><path d="m6 15 18 9 18-9M24 24v18"/>',
  chart:
    '<circle cx="24" cy="24" r="15"/><circle cx="24" cy="24" r="4"/>' +
    '<path d="M24 5v15M24 28v15M5 24h15M28 24h15M11 11l10 10M27 27l10 10M37 11 27 21M21 27 11 37"/>',
  cnab: '<rect x="6" y="14" width="36" height="26" rx="3"/><path d="M17 14V8h14v6M6 25h36M24 22v6"/>',
  wasm: '<rect x="7" y="7" width="34" height="34" rx="3"/><path d="M18 7a6 6 0 0 0 12 0M13 22l4 12 4-12 4 12 4-12 6 12"/>',
  sbom: '<path d="M12 5h17l8 8v30H12zM29 5v8h8"/><path d="M18 21h13M18 28h13M18 35h8"/>',
  model:
    '<circle cx="10" cy="14" r="4"/><circle cx="10" cy="34" r="4"/><circle cx="24" cy="24" r="4"/>' +
    '<circle cx="38" cy="14" r="4"/><circle cx="38" cy="34" r="4"/>' +
    '<path d="m13.5 16 7 5.500M13.5 32l7-5.500M27.5 21.500l7-5.500M27.5 26.500l7 5.5"/>',
  other: '<path d="M24 6 6 15v18l18 9 18-9V15z"/><path d="M19 20a5 5 0 1 1 7 4.600c-1.5.7-2 1.6-2 3.400M24 33v1"/>',
  signature: '<path d="M24 5 9 11v12c0 10 6 16 15 20 9-4 15-10 15-20V11z"/><path d="m16 24 6 6 10-12"/>',
  accelerator: '<path d="M27 5 11 27h12l-2 16 16-22H25z"/>',
  accessory: '<path d="M34 14 19 29a5 5 0 0 0 7 7l14-14a10 10 0 0 0-14-14L11 23a15 15 0 0 0 21 21"/>',
}

const KIND_SHAPES: Record<string, string> = {
  IMAGE: 'image',
  CHART: 'chart',
  CNAB: 'cnab',
  WASM: 'wasm',
  SBOM: 'sbom',
  CNAI: 'model',
}
const ACCESSORY_SHAPES: Record<string, string> = {
  'signature.cosign': 'signature',
  'signature.notation': 'signature',
  'accelerator.nydus': 'accelerator',
  'sbom.harbor': 'sbom',
}

interface Icon {
  /** `image/svg+xml` */
  contentType: string
  bytes: Buffer
}

const ICONS = new Map(
  Object.entries(SHAPES).map(([name, shape]) => {
    const bytes = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 0 48 48" fill="none" ' +
        `stroke="#0b5cad" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round">${shape}</svg>`,
    )
    return [name, { digest: digestOf(bytes), bytes }]
  }),
)
const BY_DIGEST = new Map<string, Icon>(
  [...ICONS.values()].map(({ digest, bytes }) => [digest, { contentType: 'image/svg+xml', bytes }]),
)

/** The digest of the picture for artifacts of this kind that bring none of their own. */
export function kindIcon(kind: string): string {
  return digestNamed(Object.hasOwn(KIND_SHAPES, kind) ? KIND_SHAPES[kind] : 'other')
}

/** The same for accessories, by their type. */
export function accessoryIcon(type: string): string {
  return digestNamed(Object.hasOwn(ACCESSORY_SHAPES, type) ? ACCESSORY_SHAPES[type] : 'accessory')
}

/** One of ours. */
export function findBuiltInIcon(digest: string): Icon | undefined {
  return BY_DIGEST.get(digest)
}

function digestNamed(name: string | undefined): string {
  const icon = ICONS.get(name ?? '')
  if (icon === undefined) throw new Error(`there is no icon ${name}`)
  return icon.digest
}
