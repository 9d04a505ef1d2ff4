import { z } from 'zod'
import { defineAsk } from '../ask.ts'

export const storageUsage = defineAsk({
  service: 'registry',
  noun: 'storage',
  verb: 'usage',
  summary: 'How much room the volumes of blobs have; a storage without an end, such as an S3, has none',
  effect: 'read',
  caller: 'service',
  request: z.object({}),
  response: z.object({
    volumes: z.array(
      z.object({
        /** Bytes of the whole volume, whoever fills it. */
        totalBytes: z.number().int().nonnegative(),
        /** Bytes of it that can still be written. */
        freeBytes: z.number().int().nonnegative(),
      }),
    ),
  }),
})

export const usageReconcile = defineAsk({
  service: 'registry',
  noun: 'usage',
  verb: 'reconcile',
  summary: 'Begins to compare the usage of every project with its blobs, unless that is being done already',
  effect: 'write',
  caller: 'service',
  request: z.object({}),
  response: z.object({ started: z.literal(true) }),
})
