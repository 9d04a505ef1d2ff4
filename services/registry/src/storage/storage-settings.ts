import { BlockList, isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import { parseSettings, type S3Settings, SettingInvalid, s3Settings } from '@berth/runtime'
import { z } from 'zod'

/** Where the bytes of blobs are kept. */
export type StorageSettings =
  | { driver: 'filesystem'; root: string }
  | {
      driver: 's3'
      s3: S3Settings
      /** Clients that do not reach the S3: they are sent blobs by us. */
      streamNetworks: BlockList
    }

/** @throws {SettingInvalid} */
export function storageSettings(env: NodeJS.ProcessEnv): StorageSettings {
  const own = parseSettings(
    z.object({
      BERTH_STORAGE: z.enum(['filesystem', 's3'], 'must be filesystem or s3').default('filesystem'),
      BERTH_REGISTRY_ROOT: z.string().refine(isAbsolute, 'must be an absolute path').optional(),
      BERTH_REGISTRY_STREAM_NETWORKS: z.string().default(''),
    }),
    env,
  )
  const streamNetworks = networksOf(own.BERTH_REGISTRY_STREAM_NETWORKS)
  if (own.BERTH_STORAGE === 's3') return { driver: 's3', s3: s3Settings(env), streamNetworks }
  if (own.BERTH_REGISTRY_ROOT === undefined) throw new SettingInvalid('BERTH_REGISTRY_ROOT is not set')
  return { driver: 'filesystem', root: own.BERTH_REGISTRY_ROOT }
}

/** Whether an address is in one of the networks; an IPv4 address may be written as an IPv6 one. */
export function isInNetworks(networks: BlockList, address: string | undefined): boolean {
  const family = isIP(address ?? '')
  if (address === undefined || family === 0) return false
  return networks.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** `10.0.0.0/8,fd00::/8,192.0.2.1`. @throws {SettingInvalid} */
function networksOf(text: string): BlockList {
  const networks = new BlockList()
  for (const part of text.split(',').filter((piece) => piece.trim() !== '')) {
    const [address = '', bits] = part.trim().split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    try {
      if (bits === undefined) networks.addAddress(address, family)
      else if (/^\d{1,3}$/.test(bits)) networks.addSubnet(address, Number(bits), family)
      else throw new Error('no number of bits')
    } catch {
      throw new SettingInvalid('BERTH_REGISTRY_STREAM_NETWORKS: must be CIDRs divided by commas')
    }
  }
  return networks
}
